//! The raw pointer to a memory: nothing is checked, neither where it leads nor how long.

use std::ptr;

use crate::driver::{Borrow, Driver};
use crate::failure::Failure;
use crate::values::{Integer, MemoryType, Reading};
use crate::views::Way;

/// A `*mut u8`, used with `add`, `read` and `write`. An address past the memory is read, written, or kills the process.
pub struct Pointer(*mut u8);

impl Pointer {
    /// The pointer that the API gave, moved by an offset in bytes. A pointer has no length.
    pub fn new(pointer: *mut u8, offset: Option<Integer>, length: Option<Integer>) -> Result<Self, Failure> {
        if length.is_some() {
            return Err(Failure::unsupported("a pointer has no length"));
        }
        Ok(Self(pointer.wrapping_add(offset.unwrap_or(Integer(0)).usize()?)))
    }
}

impl<D: Driver> Way<D> for Pointer {
    fn read(
        &self,
        _: &mut Borrow<'_, '_, D>,
        at: Integer,
        memory_type: MemoryType,
        count: Integer,
    ) -> Result<Reading, Failure> {
        let mut bytes = vec![0; count.usize()? * memory_type.width()];
        // SAFETY: none. The API hands out the pointer, and whoever uses it answers for it: that is what is tried here.
        unsafe { ptr::copy(self.0.wrapping_add(at.usize()?), bytes.as_mut_ptr(), bytes.len()) };
        Ok(match memory_type {
            MemoryType::Bytes => Reading::Bytes(bytes),
            _ => Reading::Number(memory_type.unpacked(&bytes)),
        })
    }

    fn write(&self, _: &mut Borrow<'_, '_, D>, at: Integer, _: MemoryType, value: &[u8]) -> Result<(), Failure> {
        // SAFETY: none, as above.
        unsafe { ptr::copy(value.as_ptr(), self.0.wrapping_add(at.usize()?), value.len()) };
        Ok(())
    }

    fn length(&self, _: &mut Borrow<'_, '_, D>) -> Result<u64, Failure> {
        Err(Failure::unsupported("a pointer has no length"))
    }

    fn part(&self, start: Integer, stop: Option<Integer>) -> Result<Box<dyn Way<D>>, Failure> {
        Self::new(self.0, Some(start), stop).map(|part| Box::new(part) as Box<dyn Way<D>>)
    }
}
