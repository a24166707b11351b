//! An allocator for runtimes whose memories come from the heap and that hand out raw pointers to them.
//!
//! What lies around such a memory is the heap's. A scenario that writes there through a pointer would be noticed in one
//! of the next scenarios, in a cell that is not its own. Here a large block, as a memory is, has pages of its own between
//! pages that cannot be touched, and its addresses are not used again, so that what goes wrong ends the process at once.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::ptr;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

/// The allocator. A driver makes it the global one: `#[global_allocator] static GUARDED: Guarded = Guarded;`
pub struct Guarded;

/// From this size on a block has its own pages. It is a multiple of any page size, and WebAssembly's.
const LARGE: usize = 65536;
const GUARD: usize = LARGE;
const UNTOUCHABLE: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);

fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= GUARD
}

fn rounded(layout: Layout) -> usize {
    layout.size().next_multiple_of(LARGE)
}

// SAFETY: small blocks are the system's. A large one is a mapping of its own, aligned to its pages and at least as long as
// asked for, whose addresses no other block gets, before or after.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_large(layout) {
            return unsafe { System.alloc(layout) };
        }
        let size = rounded(layout);
        unsafe {
            let Ok(start) = mmap_anonymous(ptr::null_mut(), size + 2 * GUARD, ProtFlags::empty(), UNTOUCHABLE) else {
                return ptr::null_mut();
            };
            let block = start.cast::<u8>().add(GUARD).cast::<c_void>();
            match mprotect(block, size, MprotectFlags::READ | MprotectFlags::WRITE) {
                Ok(()) => block.cast(),
                Err(_) => ptr::null_mut(),
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // New pages are zero.
        if is_large(layout) { unsafe { self.alloc(layout) } } else { unsafe { System.alloc_zeroed(layout) } }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !is_large(layout) {
            return unsafe { System.dealloc(block, layout) };
        }
        // The pages go, the addresses stay taken. Where that fails, the block stays too.
        let _ =
            unsafe { mmap_anonymous(block.cast(), rounded(layout), ProtFlags::empty(), UNTOUCHABLE | MapFlags::FIXED) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return ptr::null_mut() };
        if !is_large(layout) && !is_large(wanted) {
            return unsafe { System.realloc(block, layout, size) };
        }
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
