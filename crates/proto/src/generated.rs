//! What the build script made. Nothing here is written by hand.

/// Google's messages that the contract uses.
pub mod google {
    /// Error details.
    pub mod rpc {
        include!(concat!(env!("OUT_DIR"), "/google.rpc.rs"));
        include!(concat!(env!("OUT_DIR"), "/google.rpc.serde.rs"));
    }
    /// Money, Decimal, Date.
    pub mod r#type {
        include!(concat!(env!("OUT_DIR"), "/google.r#type.rs"));
        include!(concat!(env!("OUT_DIR"), "/google.r#type.serde.rs"));
    }
    /// The name that the sample contract knows.
    #[cfg(test)]
    pub(crate) use r#type as types;
}

/// The namespace of our packages.
pub mod recourse {
    /// Messages and services, version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/recourse.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/recourse.v1.serde.rs"));
    }
}

/// `enum Method`.
pub(crate) mod method {
    include!(concat!(env!("OUT_DIR"), "/recourse.v1.method.rs"));
}

mod validate {
    include!(concat!(env!("OUT_DIR"), "/recourse.v1.validate.rs"));
}

/// Who does not see which field.
pub(crate) mod redactions {
    include!(concat!(env!("OUT_DIR"), "/recourse.v1.redact.rs"));
}

mod merge {
    include!(concat!(env!("OUT_DIR"), "/recourse.v1.merge.rs"));
}

/// The services as one trait, and the REST dispatch.
pub(crate) mod services {
    use super::method::Method;

    include!(concat!(env!("OUT_DIR"), "/recourse.v1.gateway.rs"));
}
