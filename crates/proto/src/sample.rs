//! The sample contract of `tests/contract`, generated like the real one, and a
//! service that answers what it was asked.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub(crate) mod v1 {
    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.serde.rs"));
}

pub(crate) mod method {
    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.method.rs"));
}

mod validate {
    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.validate.rs"));
}

pub(crate) mod redactions {
    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.redact.rs"));
}

mod merge {
    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.merge.rs"));
}

pub(crate) mod services {
    use super::method::Method;

    include!(concat!(env!("OUT_DIR"), "/sample/sample.v1.gateway.rs"));
}

pub(crate) fn descriptor_pool() -> Option<&'static DescriptorPool> {
    static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| {
        DescriptorPool::decode(include_bytes!(concat!(env!("OUT_DIR"), "/sample/descriptor.bin")).as_slice()).ok()
    });
    POOL.as_ref()
}
