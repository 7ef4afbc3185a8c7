//! What is kept beside frames, because only some of them need it.

use std::ops::{Index, IndexMut};

/// A value for each frame, as far as any was put there; the others have what none was put for.
#[derive(Clone, Debug)]
pub(crate) struct Side<T> {
    all: Vec<T>,
    rest: T,
}

impl<T: Default> Default for Side<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Side<T> {
    /// Nothing yet: every frame has `rest`.
    pub(crate) fn new(rest: T) -> Self {
        Self { all: Vec::new(), rest }
    }

    /// What a frame has.
    #[inline]
    pub(crate) fn get(&self, at: u32) -> &T {
        self.all.get(at as usize).unwrap_or(&self.rest)
    }
}

impl<T: Clone> Side<T> {
    /// There is a place for a frame: it can be [indexed](Index) from now on.
    #[inline]
    pub(crate) fn grow(&mut self, at: u32) {
        if self.all.len() <= at as usize {
            self.all.resize(at as usize + 1, self.rest.clone());
        }
    }

    /// A frame has something from now on.
    #[inline]
    pub(crate) fn put(&mut self, at: u32, value: T) {
        self.grow(at);
        self.all[at as usize] = value;
    }
}

impl<T> Index<u32> for Side<T> {
    type Output = T;
    #[inline]
    fn index(&self, at: u32) -> &T {
        &self.all[at as usize]
    }
}

impl<T> IndexMut<u32> for Side<T> {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut T {
        &mut self.all[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_put_is_the_rest() {
        let mut side = Side::new(7);
        assert_eq!((*side.get(0), *side.get(100)), (7, 7));
        side.put(2, 1);
        assert_eq!((*side.get(1), side[2], *side.get(3)), (7, 1, 7));
        side.grow(1);
        side[0] = 5;
        assert_eq!((side[0], side[1], side[2]), (5, 7, 1));
    }
}
