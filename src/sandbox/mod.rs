//! Both vendors as real HTTP servers on loopback, written from the vendors' documents.

// joined at the merge: the signatures alone.

pub mod credentials {
    pub const FIRSTLINE_USERNAME: &str = "";
    pub const FIRSTLINE_PASSWORD: &str = "";
    pub const FIRSTLINE_TOKEN: &str = "";
    pub const BANGWO8_ACCOUNT: &str = "";
    pub const BANGWO8_PASSWORD: &str = "";
    pub const BANGWO8_CLIENT_ID: &str = "";
    pub const BANGWO8_CLIENT_SECRET: &str = "";
}

#[derive(Default)]
pub struct SandboxOptions {
    pub firstline_port: u16,
    pub bangwo8_port: u16,
}

pub struct Sandbox {}

impl Sandbox {
    pub async fn start(_options: SandboxOptions) -> std::io::Result<Sandbox> {
        Err(std::io::Error::other("the sandbox is not joined yet"))
    }

    pub fn firstline_url(&self) -> String {
        String::new()
    }

    pub fn bangwo8_url(&self) -> String {
        String::new()
    }

    pub async fn stop(self) {}
}
