//! Topics, their producers and their groups.
