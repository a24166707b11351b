//! Slices of a memory: a byte by index, all else by range, as Rust's users write it.
//!
//! Rust itself checks the bounds: an index past the end panics, and that panic is the answer. This is the only file of
//! the kit whose panics are answers; see [`crate::panics`].

use std::cell::UnsafeCell;

use crate::driver::{Borrow, Driver};
use crate::failure::Failure;
use crate::values::{Integer, MemoryType, Reading};
use crate::views::{Access, Way};

/// A slice that can be read: `Memory::data` and its like.
pub struct Slice<'a>(&'a [u8]);

/// A slice that can be written too: `Memory::data_mut` and its like.
pub struct SliceMut<'a>(&'a mut [u8]);

impl<'a> Slice<'a> {
    /// `&data[offset..offset + length]`, or all of it.
    pub fn new(data: &'a [u8], offset: Option<Integer>, length: Option<Integer>) -> Result<Self, Failure> {
        Ok(match bounds(offset, length)? {
            (0, None) => Self(data),
            (start, None) => Self(&data[start..]),
            (start, Some(length)) => Self(&data[start..][..length]),
        })
    }
}

impl<'a> SliceMut<'a> {
    /// `&mut data[offset..offset + length]`, or all of it.
    pub fn new(data: &'a mut [u8], offset: Option<Integer>, length: Option<Integer>) -> Result<Self, Failure> {
        Ok(match bounds(offset, length)? {
            (0, None) => Self(data),
            (start, None) => Self(&mut data[start..]),
            (start, Some(length)) => Self(&mut data[start..][..length]),
        })
    }
}

fn bounds(offset: Option<Integer>, length: Option<Integer>) -> Result<(usize, Option<usize>), Failure> {
    let start = offset.unwrap_or(Integer(0)).usize()?;
    Ok((start, length.map(Integer::usize).transpose()?))
}

fn read(data: &[u8], at: Integer, memory_type: MemoryType, count: Integer) -> Result<Reading, Failure> {
    let at = at.usize()?;
    if memory_type == MemoryType::U8 {
        return Ok(Reading::Number(data[at].into()));
    }
    let count = count.usize()?;
    Ok(Reading::Bytes(data[at..][..count * memory_type.width()].to_vec()))
}

impl Access for Slice<'_> {
    fn read(&self, at: Integer, memory_type: MemoryType, count: Integer) -> Result<Reading, Failure> {
        read(self.0, at, memory_type, count)
    }

    fn write(&mut self, _: Integer, _: MemoryType, _: &[u8]) -> Result<(), Failure> {
        Err(Failure::not_expressible("a &[u8] is read only"))
    }

    fn length(&self) -> Result<u64, Failure> {
        Ok(self.0.len() as u64)
    }

    fn part(&mut self, start: Integer, stop: Option<Integer>) -> Result<Box<dyn Access + '_>, Failure> {
        let start = start.usize()?;
        Ok(Box::new(Self(match stop {
            Some(stop) => &self.0[start..stop.usize()?],
            None => &self.0[start..],
        })))
    }
}

impl Access for SliceMut<'_> {
    fn read(&self, at: Integer, memory_type: MemoryType, count: Integer) -> Result<Reading, Failure> {
        read(self.0, at, memory_type, count)
    }

    fn write(&mut self, at: Integer, memory_type: MemoryType, value: &[u8]) -> Result<(), Failure> {
        let at = at.usize()?;
        if memory_type == MemoryType::U8 {
            self.0[at] = value[0];
        } else {
            self.0[at..][..value.len()].copy_from_slice(value);
        }
        Ok(())
    }

    fn length(&self) -> Result<u64, Failure> {
        Ok(self.0.len() as u64)
    }

    fn part(&mut self, start: Integer, stop: Option<Integer>) -> Result<Box<dyn Access + '_>, Failure> {
        let start = start.usize()?;
        Ok(Box::new(SliceMut(match stop {
            Some(stop) => &mut self.0[start..stop.usize()?],
            None => &mut self.0[start..],
        })))
    }
}

/// A slice of a memory that threads share: `&[UnsafeCell<u8>]`. It borrows the memory's handle, which is kept with it, and
/// no store. Its bytes are read and written one by one through `UnsafeCell::get`, in unsafe code.
pub struct Cells<O> {
    data: *const [UnsafeCell<u8>],
    _owner: O,
}

impl<O> Cells<O> {
    /// `&data(owner)[offset..offset + length]`, or all of it.
    pub fn new(
        owner: O,
        data: impl FnOnce(&O) -> &[UnsafeCell<u8>],
        offset: Option<Integer>,
        length: Option<Integer>,
    ) -> Result<Self, Failure>
    where
        O: Clone,
    {
        let (start, length) = bounds(offset, length)?;
        let all = data(&owner);
        let data: *const _ = match length {
            None => &all[start..],
            Some(length) => &all[start..][..length],
        };
        Ok(Self { data, _owner: owner.clone() })
    }

    fn cells(&self) -> &[UnsafeCell<u8>] {
        // SAFETY: a shared memory's bytes stay where they are as long as a handle on it is there.
        unsafe { &*self.data }
    }
}

impl<D: Driver, O: Clone + 'static> Way<D> for Cells<O> {
    fn read(
        &self,
        _: &mut Borrow<'_, '_, D>,
        at: Integer,
        memory_type: MemoryType,
        count: Integer,
    ) -> Result<Reading, Failure> {
        let at = at.usize()?;
        // SAFETY: other threads may write in the meantime. Volatile accesses of single bytes are the most that Rust says
        // about that.
        let byte = |cell: &UnsafeCell<u8>| unsafe { cell.get().read_volatile() };
        if memory_type == MemoryType::U8 {
            return Ok(Reading::Number(byte(&self.cells()[at]).into()));
        }
        let count = count.usize()?;
        Ok(Reading::Bytes(self.cells()[at..][..count * memory_type.width()].iter().map(byte).collect()))
    }

    fn write(&self, _: &mut Borrow<'_, '_, D>, at: Integer, _: MemoryType, value: &[u8]) -> Result<(), Failure> {
        for (cell, byte) in self.cells()[at.usize()?..][..value.len()].iter().zip(value) {
            // SAFETY: as above.
            unsafe { cell.get().write_volatile(*byte) };
        }
        Ok(())
    }

    fn length(&self, _: &mut Borrow<'_, '_, D>) -> Result<u64, Failure> {
        Ok(self.cells().len() as u64)
    }

    fn part(&self, start: Integer, stop: Option<Integer>) -> Result<Box<dyn Way<D>>, Failure> {
        let start = start.usize()?;
        let data: *const _ = match stop {
            Some(stop) => &self.cells()[start..stop.usize()?],
            None => &self.cells()[start..],
        };
        Ok(Box::new(Self { data, _owner: self._owner.clone() }))
    }
}
