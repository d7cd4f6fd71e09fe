//! Every limit of the transfer, with its unit and its reason.

use std::time::Duration;

/// Bytes of a leaf: what is hashed, compared and written as one. Measured: at 64 KiB a patched
/// image has a fifth less new content than at 1 MiB, and BLAKE3 already runs at full speed.
pub const LEAF_SIZE: usize = 64 << 10;
/// Leaves a page lists: 64 MiB of disk, so that a page is at most 32 KiB and a small change to a
/// disk changes few pages.
pub const PAGE_LEAVES: usize = 1024;
/// Leaves in a frame at most. Compression gains nothing more beyond 1 MiB, and a receiver holds few of them.
pub const FRAME_LEAVES_MAX: usize = 16;
/// Decoded bytes of a frame at most; its wire bytes never exceed that either.
pub const FRAME_SIZE_MAX: usize = FRAME_LEAVES_MAX * LEAF_SIZE;

/// Disks of one version. Hypervisors offer fewer on one machine.
pub const DISKS_MAX: usize = 64;
/// Bytes of all disks of a version together: 64 TiB, where QEMU's raw files on ext4 end anyway.
pub const DISK_BYTES_MAX: u64 = 64 << 40;
/// Characters of a disk's name, which becomes a file name.
pub const DISK_NAME_MAX: usize = 63;
/// Bytes of NVRAM. OVMF's variable stores are 64 to 528 KiB.
pub const NVRAM_MAX: usize = 16 << 20;
/// Bytes of the hardware profile. Real ones are a few hundred.
pub const PROFILE_MAX: usize = 1 << 20;
/// Bytes of a serialised manifest: enough for 2 TiB of used disk, bounded because it is held in memory.
pub const MANIFEST_MAX: usize = 1 << 30;

/// The compression level of new frames. Measured: level 3 saves 8 % more than level 1 and stays
/// below 4 CPU-seconds per used GB.
pub const ZSTD_LEVEL: u8 = 3;
/// Less data than this is cut into smaller frames, as [`SMALL_FRAME_LEAVES`] says: the last of many receivers
/// waits for the way of a number of frames, and of a small version that is much of the whole.
pub const SMALL_VERSION: u64 = 512 << 20;
/// Leaves in a frame of a small version. Measured: the last of 4, 8 and 16 is done after 1.07 to 1.08, 1.12 to 1.13 and
/// 1.12 of the time of one, instead of 1.09, 1.16 and 1.18 with 1 MiB.
pub const SMALL_FRAME_LEAVES: usize = 4;
/// The compression level of a small version's frames: makes up for their size, in three seconds of one processor.
pub const SMALL_ZSTD_LEVEL: u8 = 7;
/// Levels a manifest may name. Higher ones cost a holder who must rebuild a frame too much.
pub const ZSTD_LEVEL_MAX: u8 = 9;
/// Per cent that compression must save, or the frame is stored as it is and costs no decoding.
pub const ZSTD_SAVING_MIN_PERCENT: usize = 3;

/// Leaves of the version before that one difference stands on: 4 MiB, which a receiver reads, checks and
/// holds for each frame that it decodes.
pub const WINDOW_LEAVES_MAX: usize = 64;
/// The compression level of differences.
pub const DIFFERENCE_LEVEL: u8 = 3;
/// Per cent of a frame that its difference must save, or it is not made: reading its window costs too.
pub const DIFFERENCE_SAVING_MIN_PERCENT: usize = 5;
/// Threads that make differences: each holds up to 12 MiB.
pub const DIFFERENCE_WORKERS_MAX: usize = 4;
/// Differences of one version that a depot makes again at once, which are not in its spool.
pub const DIFFERENCES_MADE_AT_ONCE: usize = 2;
/// All of the version before is looked through for what new leaves are like if it is no more than so many times
/// what is new; else only what the new version lacks.
pub const LIKENESS_READ_MAX: usize = 4;
/// Samples of the version before that are held to find what new leaves are like: 16 MiB.
pub const LIKENESS_SAMPLES: usize = 2 << 20;

/// Threads that read, hash and compress. Each holds about 4 MiB.
pub const WORKERS_MAX: usize = 8;

/// Leaves that a disk refuses to read until the whole of it is taken for broken: each may take the disk
/// many seconds.
pub const UNREADABLE_MAX: usize = 256;
/// Bytes that a scrub reads at once: small, so that a slow rate is an even one.
pub const SCRUB_SPAN: usize = 4 * LEAF_SIZE;

/// Bytes put in place until they are flushed and written down in the journal: what an interruption costs
/// in reading is less than a tenth of a second of it.
pub const JOURNAL_BYTES: u64 = 64 << 20;
/// The same by time, for slow links.
pub const JOURNAL_TIME: Duration = Duration::from_secs(2);
/// How often it is looked whether a record is due: at 1 GB/s some 100 MB come in between.
pub const JOURNAL_LOOK: Duration = Duration::from_millis(100);
/// Runs of leaves in one record of the journal: it is read whole into memory, and takes 640 KiB at most.
pub const JOURNAL_RUNS_MAX: usize = 64 << 10;

/// Frames one source is asked for at once: of 300 KB they keep a 10 Gb/s link busy over 1 ms. One that is alone is asked for one
/// more for each `FRAME_TIME_MIN` of the way there and back.
pub const FRAMES_PER_SOURCE_MAX: usize = 4;
/// What a frame of 300 KB takes on a link of 0.5 Gbit/s: while the way there and back takes as long, another one
/// fits on it.
pub const FRAME_TIME_MIN: Duration = Duration::from_millis(5);
/// Frames asked for at once from all sources. Each may hold 2 MiB while it is decoded.
pub const FRAMES_IN_FLIGHT_MAX: usize = 16;
const _: () = assert!(FRAMES_IN_FLIGHT_MAX * 2 * FRAME_SIZE_MAX <= 32 << 20);

/// Time to open a connection; the caller sets it on the HTTP client that it hands in.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// Time until a source's answer begins, connecting included, before its next address is tried. A
/// busy holder may have to read and compress 1 MiB for each of many receivers.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// A source that sends less than `STALL_BYTES_MIN` in this time is left for another one.
pub const STALL_WINDOW: Duration = Duration::from_secs(10);
/// See `STALL_WINDOW`. With all frames in flight this is 0.2 Mbit/s: slower than any useful link.
pub const STALL_BYTES_MIN: u64 = 16 << 10;
/// Time without a single good frame after which the transfer gives up, and says so.
pub const NO_SOURCE_TIMEOUT: Duration = Duration::from_secs(30);
/// A source that sends nothing for so long is left, where another one can give the same.
pub const HURRIED: Duration = Duration::from_secs(2);
/// How long a peer that has nothing new lets those wait who ask what has come to it.
pub const LISTEN_TIME: Duration = Duration::from_secs(5);
/// A peer is asked what has come to it no sooner than this after its last answer: a round of questions
/// costs less than a frame.
pub const LISTEN_PAUSE: Duration = Duration::from_millis(50);
/// ... and this, while it is known to have enough that is missing here.
pub const LISTEN_PAUSE_SATED: Duration = Duration::from_millis(400);
/// A peer that does not say what has come to it is asked again after this time.
pub const LISTEN_PAUSE_FAILED: Duration = Duration::from_millis(500);
/// How soon a holder that had nothing for us that others were not given is asked again.
pub const CLAIM_PAUSE: Duration = Duration::from_millis(300);
/// How long a gateway that has nothing new lets those wait who ask it for claims: whatever comes is given at
/// once, and who has nothing else to ask for says so soon.
pub const CLAIM_TIME: Duration = Duration::from_millis(500);
/// How soon a gateway of an earlier release, which knows no such claims, is asked for them again.
pub const PLAIN_GATEWAY_PAUSE: Duration = Duration::from_secs(5);
/// Toward the end, a frame that takes longer than this, and than three of the others, is asked for elsewhere too; one of
/// a small version sooner by its size, of somebody near.
pub const SECOND_COPY_AFTER: Duration = Duration::from_secs(1);
/// Sources kept in reserve are asked when nothing came for so long from those that are not.
pub const RESERVE_AFTER: Duration = Duration::from_secs(2);
/// ... and for so long while one of those still tells what comes to it: over a slow link that takes its time.
pub const RESERVE_AFTER_HEARD: Duration = Duration::from_secs(20);
/// What a gateway brings is counted for so long until it is tried whether more would come without it.
pub const GATEWAY_COUNTED: Duration = Duration::from_secs(1);
/// ... or for so long, where eight have come in it as a rule: 25 Mbit/s of frames of 100 KB.
pub const GATEWAY_COUNTED_MIN: Duration = Duration::from_millis(250);
/// ... and how often then, by each receiver that knows of no other.
pub const GATEWAY_TRIED_EVERY: Duration = Duration::from_secs(5);
/// One that brought so many in `GATEWAY_COUNTED`, and then less than a third, is tried soon. Fewer may be chance.
pub const GATEWAY_STEADY: u32 = 4;
/// Frames of a trial whether more comes without the gateway.
pub const GATEWAY_TRIAL: u32 = 8;
/// So many times what it brings must come in a trial. Measured with one that fell to a tenth of its rate, beside a busy
/// holder: 1.27 to 18 times in sixteen of seventeen trials; before it fell, 0.06 to 0.24.
pub const GATEWAY_SLOW_BY: f64 = 1.25;
/// One that brings a piece in this time is not tried: 80 MB/s at the most, 6 MB/s of a small version, and no link
/// of a site is kept idle.
pub const GATEWAY_QUICK: Duration = Duration::from_millis(12);
/// Who sent wrong bytes of a version is not asked for it again for so long, in later attempts too.
pub const LIAR_BANNED: Duration = Duration::from_secs(3600);
/// The first pause of a source that failed; doubled at each further failure.
pub const SOURCE_PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause of a source that fails.
pub const SOURCE_PAUSE_MAX: Duration = Duration::from_secs(8);

/// Under a limit, what is asked for at once is what passes in this time: small enough that a new limit
/// counts soon and that neighbours on a slow link hardly notice, large enough to ask four times a second.
pub const PACE_SLICE_TIME: Duration = Duration::from_millis(250);
/// Bytes of such a slice at least: below, asking costs more than what is asked for.
pub const PACE_SLICE_MIN: usize = 16 << 10;
/// Whoever shares a limit takes what passes in this time, and is then behind the others.
pub const PACE_STEP_TIME: Duration = Duration::from_millis(10);
/// Bytes of such a step at least.
pub const PACE_STEP_MIN: usize = 4 << 10;
/// What an idle limit saves up: enough to make good for a task that was woken late.
pub const PACE_BURST_TIME: Duration = Duration::from_millis(50);
/// What was taken at a former rate holds up whoever comes next for so long at most.
pub const PACE_DEBT_TIME: Duration = Duration::from_secs(1);
/// What Ethernet, IP, TCP, TLS and HTTP add to content, in per cent: 78 bytes to 1448, and a little for each
/// answer's head. A limit is what crosses the wire.
pub const PACE_HEADERS_PERCENT: u32 = 5;
/// Under a limit, as many frames are under way as arrive in this time...
pub const PACE_FRAME_TIME: Duration = Duration::from_secs(8);
/// ... but two at the least: while one is asked for, another comes.
pub const PACE_FRAMES_MIN: usize = 2;
/// A source that takes longer for a frame is asked for one fewer at once, else for one more. What it is asked for
/// waits there in a line: what leaves it sooner is handed on sooner, and in the end all wait for the last of the
/// line. The way there and back takes less, so a line is worth it only on a fast link.
pub const FRAME_TIME_AIM: Duration = Duration::from_millis(250);
/// One that is alone is asked for few only if a frame takes longer than this: nobody else waits in its line.
pub const FRAME_TIME_ALONE: Duration = Duration::from_secs(8);
/// Whoever is listed alone is known to be alone after so many frames: those who begin at the same time are listed soon.
pub const FRAMES_UNTIL_ALONE: u32 = 8;
/// A source is slow if a frame takes so many times as long as from the quickest.
pub const SLOW_TIMES: u32 = 3;
