//! Views: ways into a memory, used once or kept.

use crate::driver::{Borrow, Driver};
use crate::failure::Failure;
use crate::values::{Integer, MemoryType, Reading};

/// A view that the driver has opened.
pub enum View<'a, D: Driver> {
    /// It borrows the store, as a slice of [`crate::slices`] does.
    Borrowed(Box<dyn Access + 'a>, Loan),
    /// It holds handles or addresses: between two uses nothing is borrowed.
    Free(Box<dyn Way<D>>),
}

/// How a view borrows the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loan {
    /// `&`: the store can be read in the meantime.
    Shared,
    /// `&mut`: nothing else can use the store.
    Exclusive,
}

/// A view that borrows what it shows, and needs no store.
pub trait Access {
    /// Read `count` values at an index of the view, in units.
    fn read(&self, at: Integer, memory_type: MemoryType, count: Integer) -> Result<Reading, Failure>;
    /// Write a value, little-endian, at an index of the view, in units.
    fn write(&mut self, at: Integer, memory_type: MemoryType, value: &[u8]) -> Result<(), Failure>;
    /// How many units it has.
    fn length(&self) -> Result<u64, Failure>;
    /// A view of a part of it; start and stop in units.
    fn part(&mut self, start: Integer, stop: Option<Integer>) -> Result<Box<dyn Access + '_>, Failure> {
        let _ = (start, stop);
        Err(Failure::unsupported("the API has no view of a part of this view"))
    }
}

/// A view that is given the store each time it is used.
pub trait Way<D: Driver> {
    /// Read `count` values at an index of the view, in units.
    fn read(
        &self,
        store: &mut Borrow<'_, '_, D>,
        at: Integer,
        memory_type: MemoryType,
        count: Integer,
    ) -> Result<Reading, Failure>;
    /// Write a value, little-endian, at an index of the view, in units.
    fn write(
        &self,
        store: &mut Borrow<'_, '_, D>,
        at: Integer,
        memory_type: MemoryType,
        value: &[u8],
    ) -> Result<(), Failure>;
    /// How many units it has.
    fn length(&self, store: &mut Borrow<'_, '_, D>) -> Result<u64, Failure>;
    /// A view of a part of it; start and stop in units.
    fn part(&self, start: Integer, stop: Option<Integer>) -> Result<Box<dyn Way<D>>, Failure> {
        let _ = (start, stop);
        Err(Failure::unsupported("the API has no view of a part of this view"))
    }
}
