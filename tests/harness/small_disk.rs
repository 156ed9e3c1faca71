//! A disk that can be full: a small file system in memory. Only root may make one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted small disk; gone with the value.
pub struct SmallDisk {
    /// Where it is.
    pub folder: PathBuf,
}

fn done(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl SmallDisk {
    /// Makes a disk of some MiB; `None` where that is not allowed, and the caller says "skipped".
    pub fn of_mib(name: &str, size: u32) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("recourse-disk-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).ok()?;
        let options = format!("size={size}m,mode=0777");
        let mounted = done(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder));
        if !mounted {
            eprintln!("skipped: a disk that is full (mounting one is not allowed here)");
            return None;
        }
        Some(Self { folder })
    }

    /// Leaves some KiB of room: a file that is in the way takes the rest.
    pub fn leave_kib(&self, room: u64) {
        let shown = Command::new("df").args(["--output=avail", "-k"]).arg(&self.folder).output().expect("df");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let free: u64 = shown.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("the room that is left");
        let taken = usize::try_from(free.saturating_sub(room) * 1024).expect("a size");
        std::fs::write(self.path("in-the-way"), vec![0_u8; taken]).expect("a file");
    }

    /// Makes it larger.
    pub fn grow_to_mib(&self, size: u32) {
        let options = format!("remount,size={size}m");
        assert!(done(Command::new("mount").args(["-o", &options]).arg(&self.folder)), "the disk grows");
    }

    /// A path on it.
    pub fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        done(Command::new("umount").arg("-l").arg(&self.folder));
        drop(std::fs::remove_dir(&self.folder));
    }
}
