//! gRPC on the same port.
