//! The peers, each as its own documentation would have one use it: what prepares the input, what runs on the
//! source, what runs on each target.
//!
//! The lines are bash, with these variables: `SHARE` the source's folder with the input, `FILE` the input's
//! name in it, `DIR` the target's own empty folder, `MARKS` a folder that all see, `SOURCE` and `ME` addresses,
//! `RANK` (from 1) and `N` of the target, `NEXT` the address of the one behind it, `KBIT` the links' rate,
//! `BYTES` the disk's size. A target is done when its line ends with the whole raw disk in `$DIR/out`.

/// What a peer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The raw disk, sparse where the peer understands holes.
    Raw,
    /// What makes the least of it: compressed beforehand or on the way, decompressed at the target.
    Packed,
}

impl Input {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Packed => "packed",
        }
    }
}

/// One peer in one way of using it.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub name: &'static str,
    pub input: Input,
    /// Once, on the source, before the clock runs.
    pub prepare: &'static str,
    /// On the source; ended when all targets are done.
    pub serve: &'static str,
    pub fetch: &'static str,
    /// The source begins, and the clock with it, when all targets listen.
    pub source_last: bool,
}

impl Peer {
    /// Whether this is its way with the fewest bytes, out of `all` ways to use it.
    pub fn is_its_least(&self, all: &[Self]) -> bool {
        let packs = |other: &Self| (other.name, other.input) == (self.name, Input::Packed);
        self.input == Input::Packed || !all.iter().any(packs)
    }
}

const RAW: Peer = Peer { name: "", input: Input::Raw, prepare: "", serve: "", fetch: "", source_last: false };
const PACKED: Peer = Peer { input: Input::Packed, prepare: PACK, ..RAW };

/// Level 3 on all cores, as somebody would who does it once for many.
const PACK: &str = "[ -e $SHARE/disk.zst ] || zstd -q -3 -T0 $SHARE/disk.raw -o $SHARE/disk.zst";
const UNPACK: &str = "zstd -q -d --sparse -f -o $DIR/out";
/// A web server that answers for several ranges at once.
const WEB: &str = "printf 'server.document-root=\"%s\"\\nserver.port=8080\\nserver.bind=\"0.0.0.0\"\\n' $SHARE > $MARKS/web.conf; \
                   exec lighttpd -D -f $MARKS/web.conf";
const WEB_UP: &str = "until (exec 3<>/dev/tcp/$SOURCE/8080) 2> /dev/null; do sleep .05; done; ";

macro_rules! line {
    ($($part:expr),+) => { const_format(&[$($part),+]) };
}

/// Joined lines live as long as the program: there are a few dozen.
fn const_format(parts: &[&str]) -> &'static str {
    Box::leak(parts.concat().into_boxed_str())
}

/// All of them.
pub fn peers() -> Vec<Peer> {
    let mut all = Vec::new();
    all.extend(stars());
    all.extend(chains_and_casts());
    all.extend(swarms());
    all
}

/// One connection from the source to each target.
fn stars() -> Vec<Peer> {
    const RSYNC: &str = "printf '[share]\\npath=%s\\nuse chroot=no\\nuid=root\\ngid=root\\nmax connections=0\\n' $SHARE > $MARKS/rsyncd.conf; \
                         exec rsync --daemon --no-detach --port=8730 --config=$MARKS/rsyncd.conf";
    const RSYNC_UP: &str = "until (exec 3<>/dev/tcp/$SOURCE/8730) 2> /dev/null; do sleep .05; done; ";
    let rsync = |how: &str| line!(RSYNC_UP, "rsync ", how, " rsync://$SOURCE:8730/share/disk.raw $DIR/out");
    let nbd_up = "until (exec 3<>/dev/tcp/$SOURCE/10809) 2> /dev/null; do sleep .05; done; ";
    vec![
        Peer { name: "rsync", serve: RSYNC, fetch: rsync("--sparse"), ..RAW },
        Peer {
            name: "rsync",
            serve: RSYNC,
            fetch: rsync("--sparse --compress --zc=zstd --zl=3"),
            prepare: "",
            ..PACKED
        },
        Peer {
            name: "curl",
            serve: WEB,
            fetch: line!(WEB_UP, "curl -sf http://$SOURCE:8080/disk.raw -o $DIR/out"),
            ..RAW
        },
        Peer {
            name: "curl",
            serve: WEB,
            fetch: line!(WEB_UP, "set -o pipefail; curl -sf http://$SOURCE:8080/disk.zst | ", UNPACK),
            ..PACKED
        },
        Peer {
            name: "casync",
            prepare: "[ -e $SHARE/disk.caibx ] || casync make --compression=zstd --store=$SHARE/disk.castr $SHARE/disk.caibx $SHARE/disk.raw > /dev/null",
            serve: WEB,
            fetch: line!(
                WEB_UP,
                "casync extract --store=http://$SOURCE:8080/disk.castr http://$SOURCE:8080/disk.caibx $DIR/out > /dev/null"
            ),
            ..PACKED
        },
        Peer {
            name: "zsync",
            prepare: "cd $SHARE; [ -e disk.zsync ] || zsyncmake -q -u disk.raw -o disk.zsync disk.raw",
            serve: WEB,
            fetch: line!(WEB_UP, "cd $DIR; zsync -q -o out http://$SOURCE:8080/disk.zsync"),
            ..RAW
        },
        Peer {
            name: "qemu-img over NBD",
            serve: "exec qemu-nbd -f raw -r -t -e 64 -b 0.0.0.0 -p 10809 $SHARE/disk.raw",
            fetch: line!(nbd_up, "qemu-img convert -f raw -O raw nbd://$SOURCE:10809 $DIR/out"),
            ..RAW
        },
        Peer {
            name: "nbdcopy",
            serve: "exec nbdkit -f -r -p 10809 file $SHARE/disk.raw",
            fetch: line!(nbd_up, "truncate -s $BYTES $DIR/out; nbdcopy nbd://$SOURCE:10809 $DIR/out"),
            ..RAW
        },
        sendme(Input::Raw),
        sendme(Input::Packed),
    ]
}

fn sendme(input: Input) -> Peer {
    let (file, prepare) = match input {
        Input::Raw => ("disk.raw", ""),
        Input::Packed => ("disk.zst", PACK),
    };
    let out = match input {
        Input::Raw => "mv $DIR/disk.raw $DIR/out",
        Input::Packed => "zstd -q -d --sparse -f $DIR/disk.zst -o $DIR/out",
    };
    Peer {
        name: "sendme",
        input,
        prepare,
        // It keeps a copy of what it sends in the folder it runs in, and prints what the others need.
        serve: line!(
            "rm -f $MARKS/ticket; cd $MARKS; exec sendme send --relay disabled --ticket-type addresses $SHARE/",
            file,
            " > $MARKS/ticket < /dev/null"
        ),
        fetch: line!(
            "until grep -qs 'blob[a-z0-9]\\{40,\\}' $MARKS/ticket $MARKS/said; do sleep .05; done; cd $DIR; \
             sendme receive --relay disabled \"$(grep -hos 'blob[a-z0-9]\\{40,\\}' $MARKS/ticket $MARKS/said | head -1)\" > /dev/null; ",
            out
        ),
        source_last: false,
    }
}

/// One after the other, or all at once.
fn chains_and_casts() -> Vec<Peer> {
    let chain = |last: &str| {
        line!(
            "set -o pipefail; if [ $RANK -lt $N ]; then socat -u TCP-LISTEN:7000,reuseaddr - | tee >(socat -u - TCP:$NEXT:7000,retry=100,interval=.05) ",
            last,
            "; wait; else socat -u TCP-LISTEN:7000,reuseaddr - ",
            last,
            "; fi"
        )
    };
    let send = |file: &str| {
        line!("socat -u FILE:$SHARE/", file, " TCP:$FIRST:7000,retry=100,interval=.05; sleep 1000")
    };
    let cast = |file: &str| {
        // Without a rate it floods a shaped link and asks for most of it again.
        line!(
            "udp-sender --nokbd --interface eth0 --min-receivers $N --full-duplex --max-bitrate $((KBIT * 95 / 100))k --file $SHARE/",
            file,
            " < /dev/null > /dev/null 2>&1; sleep 1000"
        )
    };
    let uftp = |file: &str| {
        line!(
            "uftp -q -I eth0 -t 4 -R $((KBIT * 92 / 100)) $SHARE/",
            file,
            " > $MARKS/uftp.log 2>&1; sleep 1000"
        )
    };
    let uftpd = |file: &str, then: &str| {
        // It receives under another name in -T and stays; the file is whole when it has its own.
        line!(
            "mkdir $DIR/tmp; uftpd -d -q -I eth0 -D $DIR -T $DIR/tmp > /dev/null 2>&1 & until [ -e $DIR/",
            file,
            " ]; do sleep .02; done; ",
            then
        )
    };
    vec![
        Peer {
            name: "socat and tee",
            fetch: chain("> $DIR/out"),
            serve: send("disk.raw"),
            source_last: true,
            ..RAW
        },
        Peer {
            name: "socat and tee",
            fetch: chain(line!("| ", UNPACK)),
            serve: send("disk.zst"),
            source_last: true,
            ..PACKED
        },
        Peer {
            name: "udpcast",
            fetch: "udp-receiver --nokbd --interface eth0 --file $DIR/out < /dev/null > /dev/null 2>&1",
            serve: cast("disk.raw"),
            source_last: true,
            ..RAW
        },
        Peer {
            name: "udpcast",
            fetch: line!(
                "set -o pipefail; udp-receiver --nokbd --interface eth0 < /dev/null 2> /dev/null | ",
                UNPACK
            ),
            serve: cast("disk.zst"),
            source_last: true,
            ..PACKED
        },
        Peer {
            name: "uftp",
            fetch: uftpd("disk.raw", "mv $DIR/disk.raw $DIR/out"),
            serve: uftp("disk.raw"),
            source_last: true,
            ..RAW
        },
        Peer {
            name: "uftp",
            fetch: uftpd("disk.zst", "zstd -q -d --sparse -f $DIR/disk.zst -o $DIR/out"),
            serve: uftp("disk.zst"),
            source_last: true,
            ..PACKED
        },
    ]
}

/// BitTorrent, by a tracker on the source.
fn swarms() -> Vec<Peer> {
    // Debian's tracker serves only what it is told of.
    let tracker = |file: &str| {
        line!(
            "transmission-show $MARKS/",
            file,
            ".torrent | sed -n 's/^ *Hash: *//p' > $MARKS/torrents; opentracker -p 6969 -P 6969 -w $MARKS/torrents > $MARKS/tracker.log 2>&1 & "
        )
    };
    let torrent = |file: &str, before: &str| {
        line!(
            before,
            "; transmission-create -s 1024 -t http://$SOURCE:6969/announce -o $MARKS/",
            file,
            ".torrent $SHARE/",
            file,
            " > /dev/null"
        )
    };
    const ARIA: &str = "aria2c -q --console-log-level=error --file-allocation=none --bt-max-peers=64 --enable-dht=false --bt-enable-lpd=false \
                        --enable-peer-exchange=true --seed-ratio=0 --allow-overwrite=true --bt-tracker-interval=2 --listen-port=6900 ";
    let aria = |file: &str, then: &str| Peer {
        name: "aria2",
        serve: line!(
            tracker(file),
            "exec ",
            ARIA,
            "--check-integrity=true --dir=$SHARE $MARKS/",
            file,
            ".torrent"
        ),
        fetch: line!(
            "printf '#!/bin/sh\\ntouch %s/done\\n' $DIR > $DIR/tell; chmod +x $DIR/tell; ",
            ARIA,
            "--on-bt-download-complete=$DIR/tell --dir=$DIR $MARKS/",
            file,
            ".torrent > $DIR/log 2>&1 & until [ -e $DIR/done ]; do sleep .02; done; ",
            then
        ),
        ..RAW
    };
    const TRANSMISSION: &str =
        "exec transmission-cli --no-portmap --no-downlimit --no-uplimit --encryption-tolerated ";
    let transmission = |file: &str, then: &str| Peer {
        name: "transmission",
        serve: line!(
            tracker(file),
            TRANSMISSION,
            "-g $MARKS/seed-config -p 6900 -w $SHARE $MARKS/",
            file,
            ".torrent > $MARKS/seed.log 2>&1"
        ),
        fetch: line!(
            "printf '#!/bin/sh\\ntouch %s/done\\n' $DIR > $DIR/tell; chmod +x $DIR/tell; (",
            TRANSMISSION,
            "-g $DIR/config -p 6900 -f $DIR/tell -w $DIR $MARKS/",
            file,
            ".torrent > $DIR/log 2>&1) & until [ -e $DIR/done ]; do sleep .02; done; ",
            then
        ),
        ..RAW
    };
    let raw = "mv $DIR/disk.raw $DIR/out";
    let packed = "zstd -q -d --sparse -f $DIR/disk.zst -o $DIR/out";
    let with = |peer: Peer, input: Input| match input {
        Input::Raw => Peer { prepare: torrent("disk.raw", "true"), ..peer },
        Input::Packed => Peer { input, prepare: torrent("disk.zst", PACK), ..peer },
    };
    vec![
        with(aria("disk.raw", raw), Input::Raw),
        with(aria("disk.zst", packed), Input::Packed),
        with(transmission("disk.raw", raw), Input::Raw),
        with(transmission("disk.zst", packed), Input::Packed),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_that_was_named_is_there_and_the_others_have_both_inputs() {
        let all = peers();
        for name in [
            "rsync",
            "curl",
            "casync",
            "zsync",
            "qemu-img over NBD",
            "nbdcopy",
            "sendme",
            "socat and tee",
            "udpcast",
            "uftp",
            "aria2",
            "transmission",
        ] {
            assert!(all.iter().any(|peer| peer.name == name), "{name}");
        }
        for name in ["rsync", "curl", "sendme", "socat and tee", "udpcast", "uftp", "aria2", "transmission"] {
            let inputs: Vec<_> = all.iter().filter(|peer| peer.name == name).map(|peer| peer.input).collect();
            assert_eq!(inputs, [Input::Raw, Input::Packed], "{name}");
        }
    }

    #[test]
    fn no_two_are_told_by_one_name() {
        let mut names: Vec<_> = peers().iter().map(|peer| (peer.name, peer.input.name())).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_line_is_bash() {
        for peer in peers() {
            for line in [peer.prepare, peer.serve, peer.fetch] {
                diecast_lab::run::run(&["bash", "-n", "-c", line])
                    .unwrap_or_else(|error| panic!("{}: {error}", peer.name));
            }
        }
    }
}
