//! Priority classes: 0 is served first; within a class first come, first served. Waits as Cobham (1954) has them.

use super::super::id::NONE;
use super::{Links, List};

/// One list per class seen so far, ascending.
#[derive(Clone, Debug, Default)]
pub struct Classes(Vec<(u8, List)>);

impl Classes {
    fn class(&mut self, priority: u8) -> &mut List {
        let at = match self.0.binary_search_by_key(&priority, |c| c.0) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (priority, List::default()));
                at
            }
        };
        &mut self.0[at].1
    }

    /// The lists of the classes that are at least as important.
    pub(super) fn up_to(&self, priority: u8) -> impl Iterator<Item = &List> {
        self.0.iter().filter(move |(class, _)| *class <= priority).map(|(_, list)| list)
    }

    /// Of those that are less important the last who `may`, in the least important class that has one.
    pub(super) fn last_after(&self, priority: u8, links: &Links, may: impl Fn(u32) -> bool) -> Option<u32> {
        let before = |frame: &u32| Some(links[*frame as usize].before).filter(|before| *before != NONE);
        let from_the_end = |list: &List| {
            let last = Some(list.last).filter(|last| *last != NONE);
            std::iter::successors(last, before).find(|frame| may(*frame))
        };
        self.0.iter().rev().take_while(|(class, _)| *class > priority).find_map(|(_, list)| from_the_end(list))
    }

    pub(super) fn join(&mut self, frame: u32, priority: u8, links: &mut Links) {
        self.class(priority).push_back(frame, links);
    }

    pub(super) fn rejoin(&mut self, frame: u32, priority: u8, links: &mut Links) {
        self.class(priority).push_front(frame, links);
    }

    pub(super) fn next(&mut self, links: &mut Links) -> Option<u32> {
        self.0.iter_mut().find_map(|(_, list)| list.pop_front(links))
    }

    pub(super) fn leave(&mut self, frame: u32, priority: u8, links: &mut Links) {
        self.class(priority).remove(frame, links);
    }
}
