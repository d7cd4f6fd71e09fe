//! What the allocator keeps of memory that was given back.
//!
//! Frames come and go by the thousand, in threads that come and go too. glibc gives each thread a heap of its own,
//! up to eight for every processor, of which none gives anything to the others, so an agent would grow with all
//! it ever carried at once; and it takes the memory of each frame anew from the kernel, which clears it first.
//! Measured: docs/performance.md.
#![allow(unsafe_code)]

/// Heaps: enough for threads that mostly wait for a disk.
const HEAPS_MAX: i32 = 2;
/// Bytes of what is taken from the kernel for itself. A frame that is decoded is smaller.
const OWN_MAPPING_MIN: i32 = 4 << 20;
/// Bytes that a heap keeps for the next frames.
const KEPT_MAX: i32 = 16 << 20;

/// Before the first thread is started.
pub fn keep_for_frames() {
    #[cfg(target_env = "gnu")]
    for (what, most) in [
        (libc::M_ARENA_MAX, HEAPS_MAX),
        (libc::M_MMAP_THRESHOLD, OWN_MAPPING_MIN),
        (libc::M_TRIM_THRESHOLD, KEPT_MAX),
    ] {
        // SAFETY: it takes two numbers and sets one of the allocator's own; a refusal changes nothing.
        unsafe { libc::mallopt(what, most) };
    }
}
