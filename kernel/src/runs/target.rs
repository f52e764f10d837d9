//! A process id → whether that process still lives: [`Target`], for `-p`.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A process that is watched.
pub struct Target {
    handle: OwnedFd,
}

impl Target {
    /// Watches a process.
    ///
    /// # Errors
    /// There is none with this id.
    #[doc(alias = "pidfd_open")]
    pub fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: pidfd_open (Linux 5.3) takes a process id and flags.
        let handle = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if handle < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call gave us a new descriptor that nothing else owns.
        Ok(Self { handle: unsafe { OwnedFd::from_raw_fd(handle as i32) } })
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.poll(0)
    }

    /// Waits until it ends.
    pub fn wait(&self) {
        while !self.poll(-1) {}
    }

    fn poll(&self, timeout: i32) -> bool {
        let mut entry = libc::pollfd { fd: self.handle.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the pointer is to one entry, as the count says.
        unsafe { libc::poll(&mut entry, 1, timeout) == 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_the_end() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let target = Target::open(child.id()).unwrap();
        assert!(!target.has_ended());
        child.kill().unwrap();
        target.wait();
        assert!(target.has_ended());
        child.wait().unwrap();
        assert!(Target::open(child.id()).is_err());
    }
}
