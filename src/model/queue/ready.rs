//! Messages ready for delivery: in the order in which they became so, or by priority.

use std::collections::VecDeque;

/// The messages of one queue that are ready, by their slots.
#[derive(Clone, Debug, Default)]
pub struct Ready {
    /// A line for each priority that was seen, the most urgent (0) first.
    lines: Vec<(u8, VecDeque<u32>)>,
    len: u32,
}

impl Ready {
    /// How many there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn line(&mut self, priority: u8) -> &mut VecDeque<u32> {
        let at = match self.lines.binary_search_by_key(&priority, |line| line.0) {
            Ok(at) => at,
            Err(at) => {
                self.lines.insert(at, (priority, VecDeque::new()));
                at
            }
        };
        &mut self.lines[at].1
    }

    /// A new message.
    pub fn push(&mut self, message: u32, priority: u8) {
        self.len += 1;
        self.line(priority).push_back(message);
    }

    /// A message that comes back: it was ready before all others of its priority.
    pub fn push_head(&mut self, message: u32, priority: u8) {
        self.len += 1;
        self.line(priority).push_front(message);
    }

    /// The next message.
    pub fn pop(&mut self) -> Option<u32> {
        let next = self.lines.iter_mut().find_map(|line| line.1.pop_front())?;
        self.len -= 1;
        Some(next)
    }

    /// The next message that `may` be.
    pub fn pop_if(&mut self, may: impl Fn(u32) -> bool) -> Option<u32> {
        let take = |line: &mut VecDeque<u32>| line.remove(line.iter().position(|message| may(*message))?);
        let next = self.lines.iter_mut().find_map(|line| take(&mut line.1))?;
        self.len -= 1;
        Some(next)
    }

    /// The heads of all lines, the most urgent first.
    pub fn heads(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().filter_map(|line| line.1.front().copied())
    }

    /// Takes a message out that is the head of its line; says whether it was.
    pub fn remove_head(&mut self, message: u32) -> bool {
        let line = self.lines.iter_mut().find(|line| line.1.front() == Some(&message));
        let found = line.and_then(|line| line.1.pop_front()).is_some();
        self.len -= u32::from(found);
        found
    }

    /// Takes a message out, wherever it stands; one that has come back stands near the head.
    pub fn remove(&mut self, message: u32) -> bool {
        let places = self.lines.iter().map(|line| line.1.iter().position(|other| *other == message));
        let place = places.enumerate().find_map(|(line, place)| place.map(|place| (line, place)));
        let Some((line, place)) = place else { return false };
        self.lines[line].1.remove(place);
        self.len -= 1;
        true
    }

    /// The message that gives way to a new one: the head of the least urgent line.
    pub fn oldest(&self) -> Option<u32> {
        self.lines.iter().rev().find_map(|line| line.1.front().copied())
    }

    /// All messages.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().flat_map(|line| line.1.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_delivered_and_what_comes_back_is_next() {
        let mut ready = Ready::default();
        (0..3).for_each(|message| ready.push(message, 0));
        assert_eq!(ready.pop(), Some(0));
        ready.push_head(0, 0);
        assert_eq!((ready.len(), ready.oldest()), (3, Some(0)));
        assert_eq!([ready.pop(), ready.pop(), ready.pop(), ready.pop()], [Some(0), Some(1), Some(2), None]);
        assert!(ready.is_empty());
    }

    #[test]
    fn the_urgent_overtake_and_the_others_give_way() {
        let mut ready = Ready::default();
        for (message, priority) in [(1, 5), (2, 0), (3, 5), (4, 2)] {
            ready.push(message, priority);
        }
        assert_eq!(ready.heads().collect::<Vec<_>>(), [2, 4, 1]);
        assert_eq!(ready.oldest(), Some(1));
        assert!(ready.remove_head(1) && !ready.remove_head(1), "it was the head, and is gone");
        assert_eq!(ready.iter().collect::<Vec<_>>(), [2, 4, 3]);
        assert!(ready.remove(4) && !ready.remove(4));
        assert_eq!([ready.pop(), ready.pop(), ready.pop()], [Some(2), Some(3), None]);
    }

    #[test]
    fn who_may_not_be_taken_is_passed_over() {
        let mut ready = Ready::default();
        [1, 2, 3].iter().for_each(|message| ready.push(*message, 0));
        assert_eq!((ready.pop_if(|message| message > 1), ready.pop_if(|message| message > 3)), (Some(2), None));
        assert_eq!((ready.len(), ready.pop(), ready.pop()), (2, Some(1), Some(3)));
    }
}
