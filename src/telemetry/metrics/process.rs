//! The process as the system sees it, read at each scrape. Systems without /proc have none of it.

use std::fmt;

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

#[derive(Debug)]
pub(super) struct ProcessCollector;

#[cfg(not(target_os = "linux"))]
impl Collector for ProcessCollector {
    fn encode(&self, _encoder: DescriptorEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        use prometheus_client::{
            encoding::EncodeMetric,
            metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
        };

        use super::help;

        let Some(process) = linux::Process::read() else {
            return Ok(());
        };
        let cpu = "process_cpu_seconds";
        let descriptor = encoder.encode_descriptor(
            cpu,
            help("process_cpu_seconds_total"),
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(process.cpu_seconds).encode(descriptor)?;
        for (name, value) in process.gauges() {
            let descriptor =
                encoder.encode_descriptor(name, help(name), None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(descriptor)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::{WithCurrentSystemInfo, process::LimitValue};

    pub(super) struct Process {
        pub(super) cpu_seconds: f64,
        resident_bytes: u64,
        virtual_bytes: u64,
        open_fds: u64,
        max_fds: f64,
        threads: i64,
        start_seconds: f64,
    }

    impl Process {
        /// None where /proc can't be read.
        pub(super) fn read() -> Option<Self> {
            let process = procfs::process::Process::myself().ok()?;
            let stat = process.stat().ok()?;
            let ticks = procfs::ticks_per_second() as f64;
            let booted_at = procfs::boot_time_secs().ok()?;
            let max_fds = match process.limits().ok()?.max_open_files.soft_limit {
                LimitValue::Value(limit) => limit as f64,
                LimitValue::Unlimited => f64::INFINITY,
            };
            Some(Self {
                cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
                resident_bytes: stat.rss_bytes().get(),
                virtual_bytes: stat.vsize,
                open_fds: process.fd_count().ok()? as u64,
                max_fds,
                threads: stat.num_threads,
                start_seconds: booted_at as f64 + stat.starttime as f64 / ticks,
            })
        }

        pub(super) fn gauges(&self) -> [(&'static str, f64); 6] {
            [
                ("process_resident_memory_bytes", self.resident_bytes as f64),
                ("process_virtual_memory_bytes", self.virtual_bytes as f64),
                ("process_open_fds", self.open_fds as f64),
                ("process_max_fds", self.max_fds),
                ("process_threads", self.threads as f64),
                ("process_start_time_seconds", self.start_seconds),
            ]
        }
    }
}
