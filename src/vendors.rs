//! The vendors that are configured. A third vendor is one more field here.

use std::sync::Arc;

use crate::{
    domain::Vendor,
    error::Result,
    telemetry::metrics::Metrics,
    upstream::{
        PreparedChange, VendorApi,
        bangwo8::{Bangwo8, Bangwo8Credentials, Bangwo8Settings},
        firstline::{FirstLine, FirstLineCredentials, FirstLineSettings},
    },
};

/// Each with the credentials that it has now.
pub struct Vendors {
    firstline: Option<(Arc<FirstLine>, FirstLineCredentials)>,
    bangwo8: Option<(Arc<Bangwo8>, Bangwo8Credentials)>,
}

impl Vendors {
    pub fn new(
        firstline: Option<FirstLineSettings>,
        bangwo8: Option<Bangwo8Settings>,
        metrics: &Metrics,
    ) -> Result<Self> {
        let mut vendors = Self {
            firstline: None,
            bangwo8: None,
        };
        if let Some(settings) = firstline {
            let credentials = settings.credentials.clone();
            let vendor = FirstLine::new(settings, metrics.vendor(Vendor::FirstLine))?;
            vendors.firstline = Some((Arc::new(vendor), credentials));
        }
        if let Some(settings) = bangwo8 {
            let credentials = settings.credentials.clone();
            let vendor = Bangwo8::new(settings, metrics.vendor(Vendor::Bangwo8))?;
            vendors.bangwo8 = Some((Arc::new(vendor), credentials));
        }
        Ok(vendors)
    }

    pub fn all(&self) -> Vec<Arc<dyn VendorApi>> {
        let mut vendors: Vec<Arc<dyn VendorApi>> = Vec::new();
        if let Some((vendor, _)) = &self.firstline {
            vendors.push(vendor.clone());
        }
        if let Some((vendor, _)) = &self.bangwo8 {
            vendors.push(vendor.clone());
        }
        vendors
    }

    /// The changes to the credentials of these settings, where they are others.
    pub(crate) fn prepare(
        &self,
        firstline: Option<&FirstLineSettings>,
        bangwo8: Option<&Bangwo8Settings>,
    ) -> Result<Vec<(Arc<dyn VendorApi>, PreparedChange)>> {
        let mut changes: Vec<(Arc<dyn VendorApi>, PreparedChange)> = Vec::new();
        if let (Some((vendor, known)), Some(new)) = (&self.firstline, firstline)
            && *known != new.credentials
        {
            let change = vendor.prepare_credentials(new.credentials.clone())?;
            changes.push((vendor.clone(), change));
        }
        if let (Some((vendor, known)), Some(new)) = (&self.bangwo8, bangwo8)
            && *known != new.credentials
        {
            let change = vendor.prepare_credentials(new.credentials.clone())?;
            changes.push((vendor.clone(), change));
        }
        Ok(changes)
    }

    /// After the changes were made.
    pub(crate) fn set_credentials(
        &mut self,
        firstline: Option<FirstLineSettings>,
        bangwo8: Option<Bangwo8Settings>,
    ) {
        if let (Some((_, credentials)), Some(new)) = (&mut self.firstline, firstline) {
            *credentials = new.credentials;
        }
        if let (Some((_, credentials)), Some(new)) = (&mut self.bangwo8, bangwo8) {
            *credentials = new.credentials;
        }
    }
}
