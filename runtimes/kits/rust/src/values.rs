//! Values on their way between the protocol's JSON and a Rust API.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use crate::failure::Failure;

/// An integer of the protocol: an address, a count, an index or a number of pages, of any size and sign.
///
/// Rust's APIs take `usize`, `u64` or `u32`. What does not fit cannot be passed, so that the API is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(pub i128);

impl Integer {
    /// As a `usize`. What is none is not expressible.
    pub fn usize(self) -> Result<usize, Failure> {
        self.fits()
    }

    /// As a `u64`. What is none is not expressible.
    pub fn u64(self) -> Result<u64, Failure> {
        self.fits()
    }

    /// As a `u32`. What is none is not expressible.
    pub fn u32(self) -> Result<u32, Failure> {
        self.fits()
    }

    fn fits<T: TryFrom<i128>>(self) -> Result<T, Failure> {
        let wanted = std::any::type_name::<T>();
        T::try_from(self.0).map_err(|_| Failure::not_expressible(format!("{} is no {wanted}", self.0)))
    }

    pub(crate) fn parse(json: &Json) -> Option<Self> {
        match json {
            Json::Number(number) => number.as_i128().map(Self),
            Json::String(text) => text.parse().ok().map(Self),
            _ => None,
        }
    }

    /// A JSON integer, or decimal text beyond 2^53 - 1.
    pub(crate) fn json(self) -> Json {
        const SAFE: i128 = (1 << 53) - 1;
        if (-SAFE..=SAFE).contains(&self.0) { json!(self.0 as i64) } else { json!(self.0.to_string()) }
    }
}

/// A value type of WebAssembly that the protocol passes, or one that it only names in signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ValueType {
    I32,
    I64,
    F32,
    F64,
    V128,
    FuncRef,
    ExternRef,
}

impl ValueType {
    pub(crate) fn parse(json: &Json) -> Result<Self, Failure> {
        let name = json.as_str().ok_or_else(|| Failure::invalid("a value type is a text"))?;
        Ok(match name {
            "i32" => Self::I32,
            "i64" => Self::I64,
            "f32" => Self::F32,
            "f64" => Self::F64,
            "v128" => Self::V128,
            "funcref" => Self::FuncRef,
            "externref" => Self::ExternRef,
            _ => return Err(Failure::unsupported(format!("the driver knows no value type {name}"))),
        })
    }
}

/// A value of a guest's function or global. Floats are bit patterns, so that no NaN changes on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
}

impl Value {
    /// A value of this type from an unsigned integer, the bits.
    pub(crate) fn of(value_type: ValueType, bits: Integer) -> Result<Self, Failure> {
        Ok(match value_type {
            ValueType::I32 if bits.0 < 0 => Self::I32(bits.fits()?),
            ValueType::I64 if bits.0 < 0 => Self::I64(bits.fits()?),
            ValueType::I32 => Self::I32(bits.u32()? as i32),
            ValueType::I64 => Self::I64(bits.u64()? as i64),
            ValueType::F32 => Self::F32(bits.u32()?),
            ValueType::F64 => Self::F64(bits.u64()?),
            other => return Err(Failure::unsupported(format!("the driver passes no {other:?} values"))),
        })
    }

    /// Its type.
    pub fn value_type(self) -> ValueType {
        match self {
            Self::I32(_) => ValueType::I32,
            Self::I64(_) => ValueType::I64,
            Self::F32(_) => ValueType::F32,
            Self::F64(_) => ValueType::F64,
        }
    }

    /// What a reference to it stands for: the bits as an unsigned integer.
    pub(crate) fn unsigned(self) -> i128 {
        match self {
            Self::I32(value) => (value as u32).into(),
            Self::I64(value) => (value as u64).into(),
            Self::F32(bits) => bits.into(),
            Self::F64(bits) => bits.into(),
        }
    }

    pub(crate) fn json(self) -> Json {
        match self {
            Self::I32(value) => json!({"type": "i32", "value": value.to_string()}),
            Self::I64(value) => json!({"type": "i64", "value": value.to_string()}),
            Self::F32(bits) => json!({"type": "f32", "value": bits.to_string()}),
            Self::F64(bits) => json!({"type": "f64", "value": bits.to_string()}),
        }
    }
}

/// What is read from memory and written to it. All are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MemoryType {
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
    F32,
    F64,
    Bytes,
}

impl MemoryType {
    /// Every memory type.
    pub const ALL: [Self; 11] = [
        Self::U8,
        Self::S8,
        Self::U16,
        Self::S16,
        Self::U32,
        Self::S32,
        Self::U64,
        Self::S64,
        Self::F32,
        Self::F64,
        Self::Bytes,
    ];

    /// As the protocol calls it.
    pub fn name(self) -> &'static str {
        ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bytes"][self as usize]
    }

    /// The bytes that one takes.
    pub fn width(self) -> usize {
        [1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1][self as usize]
    }

    fn signed(self) -> bool {
        matches!(self, Self::S8 | Self::S16 | Self::S32 | Self::S64)
    }

    /// As Rust calls it.
    fn rust_name(self) -> &'static str {
        ["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "&[u8]"][self as usize]
    }

    pub(crate) fn parse(json: &Json) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|one| json.as_str() == Some(one.name()));
        known.ok_or_else(|| Failure::invalid(format!("no memory type {json}")))
    }

    /// The bytes of a value to be written. Raises *not expressible* for what no value of the type is.
    pub(crate) fn packed(
        self,
        value: &Json,
        integer: impl Fn(&Json) -> Result<Integer, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        if let Some(kind) = value.get("host") {
            let kind = kind.as_str().unwrap_or_default();
            let wanted = self.rust_name();
            return Err(Failure::not_expressible(format!("where {wanted} is written, Rust takes no other {kind}")));
        }
        if self == Self::Bytes {
            return bytes(value.get("bytes").unwrap_or(&Json::Null));
        }
        let given = integer(value.get("value").unwrap_or(&Json::Null))?.0;
        let bits = 8 * self.width() as u32;
        let (least, most) = match self.signed() {
            true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            false => (0, (1 << bits) - 1),
        };
        if !(least..=most).contains(&given) {
            return Err(Failure::not_expressible(format!("{given} is no {}", self.rust_name())));
        }
        Ok(given.to_le_bytes()[..self.width()].to_vec())
    }

    /// The integer that bytes stand for; for floats, their bit pattern.
    pub fn unpacked(self, bytes: &[u8]) -> i128 {
        let mut wide = [0; 16];
        wide[..bytes.len()].copy_from_slice(bytes);
        let unsigned = i128::from_le_bytes(wide);
        let sign = 1 << (8 * self.width() - 1);
        if self.signed() && unsigned >= sign { unsigned - 2 * sign } else { unsigned }
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What a read gave: the bytes that the API gave, or a number (for floats, the bit pattern).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Bytes, possibly fewer than requested.
    Bytes(Vec<u8>),
    /// A number as the host has it.
    Number(i128),
}

impl Reading {
    pub(crate) fn json(&self, memory_type: MemoryType) -> Json {
        match self {
            Self::Bytes(bytes) => json!({"bytes": encoded(bytes)}),
            Self::Number(number) => json!({"value": {"type": memory_type.name(), "value": number.to_string()}}),
        }
    }

    /// What a reference to it stands for, if it is one whole number.
    pub(crate) fn unsigned(&self, memory_type: MemoryType) -> Option<i128> {
        match self {
            Self::Bytes(_) if memory_type == MemoryType::Bytes => None,
            Self::Bytes(bytes) if bytes.len() != memory_type.width() => None,
            Self::Bytes(bytes) => Some(MemoryType::U64.unpacked(bytes)),
            Self::Number(number) => Some(number & ((1 << (8 * memory_type.width())) - 1)),
        }
    }
}

pub(crate) fn bytes(json: &Json) -> Result<Vec<u8>, Failure> {
    let text = json.as_str().ok_or_else(|| Failure::invalid("bytes are a text in base64"))?;
    STANDARD.decode(text).map_err(|error| Failure::invalid(format!("not base64: {error}")))
}

fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
