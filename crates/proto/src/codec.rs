//! The codec of gRPC messages. Bytes that are no message are the caller's fault: tonic's own codec answers
//! INTERNAL, which pages an operator and makes clients try again.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder};

use crate::{status::Refusal, v1::error_reason::Code as Reason};

/// Encodes as tonic does, and refuses what it can't decode as INVALID_ARGUMENT.
#[derive(Debug)]
pub(crate) struct ContractCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ContractCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Message + Default + Send + 'static> Codec for ContractCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = ContractDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ContractDecoder(ProstCodec::<T, U>::raw_decoder(BufferSettings::default()))
    }
}

/// Decodes what callers send.
#[derive(Debug)]
pub(crate) struct ContractDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default + Send + 'static> Decoder for ContractDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, frame: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        self.0.decode(frame).map_err(|undecodable| refused(undecodable.message()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// The reason is that of REST: "no message of this method". The decoder knows no headers, so that there is no text
/// in the language of the caller.
fn refused(why: &str) -> Status {
    let message = format!("the message can't be decoded: {why}; is it of another version of the contract?");
    Refusal::new(Code::InvalidArgument, Reason::InvalidJson, message).into_status()
}
