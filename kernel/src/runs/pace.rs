//! Instants → when to draw, when to look, when to end: [`Pace`]. It reads no clock itself.

use std::time::{Duration, Instant};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(500);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long the loop sleeps at most, so that an interrupt is seen soon.
pub const NAP: Duration = Duration::from_millis(20);

/// When a running cell does what.
#[derive(Debug)]
pub struct Pace {
    started: Instant,
    bound: Option<Duration>,
    next_frame: Instant,
    next_look: Instant,
}

impl Pace {
    /// A run that started at `started` and ends by itself after `bound`. The first frame is due at once.
    pub fn new(started: Instant, bound: Option<Duration>) -> Self {
        Self { started, bound, next_frame: started, next_look: started + LOOK }
    }

    /// Whether the bound has elapsed.
    pub fn is_over(&self, now: Instant) -> bool {
        self.bound.is_some_and(|bound| now.saturating_duration_since(self.started) >= bound)
    }

    /// Whether a frame may be drawn; the next one may then half a second later.
    pub fn take_frame(&mut self, now: Instant) -> bool {
        let due = now >= self.next_frame;
        if due {
            self.next_frame = now + FRAME;
        }
        due
    }

    /// A frame took so long to draw: drawing shall not take more than a tenth of the time.
    pub fn drew(&mut self, now: Instant, took: Duration) {
        self.next_frame = self.next_frame.max(now + took * 9);
    }

    /// Whether to look at the condition.
    pub fn take_look(&mut self, now: Instant) -> bool {
        let due = now >= self.next_look;
        if due {
            self.next_look = now + LOOK;
        }
        due
    }

    /// Until when the loop may wait for an event.
    pub fn deadline(&self, now: Instant, text_due: Option<Instant>) -> Instant {
        let end = self.bound.map(|bound| self.started + bound);
        [Some(self.next_frame), end, text_due].into_iter().flatten().fold(now + NAP, Instant::min).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn at_most_two_frames_a_second_and_the_first_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start, None);
        let frames: Vec<u64> = (0..3000).filter(|&t| pace.take_frame(start + ms(t))).collect();
        assert_eq!(frames, [0, 500, 1000, 1500, 2000, 2500]);
    }

    #[test]
    fn costly_frames_come_seldom() {
        let start = Instant::now();
        let mut pace = Pace::new(start, None);
        let mut frames = 0;
        for t in 0..10_000 {
            let now = start + ms(t);
            if pace.take_frame(now) {
                frames += 1;
                pace.drew(now, ms(200));
            }
        }
        assert_eq!(frames, 6);
    }

    #[test]
    fn the_bound_ends_it_in_time() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Some(ms(510)));
        assert!(pace.take_frame(start));
        assert!(!pace.is_over(start + ms(509)) && pace.is_over(start + ms(510)));
        assert_eq!(pace.deadline(start + ms(100), None), start + ms(120));
        assert_eq!(pace.deadline(start + ms(495), None), start + ms(500));
        assert!(pace.take_frame(start + ms(500)));
        assert_eq!(pace.deadline(start + ms(505), None), start + ms(510));
        assert_eq!(pace.deadline(start + ms(505), Some(start + ms(507))), start + ms(507));
        assert_eq!(pace.deadline(start + ms(600), None), start + ms(600));
        assert!(!Pace::new(start, None).is_over(start + ms(1_000_000)));
    }

    #[test]
    fn conditions_are_looked_at_ten_times_a_second() {
        let start = Instant::now();
        let mut pace = Pace::new(start, None);
        assert_eq!((0..1001).filter(|&t| pace.take_look(start + ms(t))).count(), 10);
    }
}
