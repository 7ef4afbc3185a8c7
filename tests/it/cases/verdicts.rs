//! Verdicts that follow from figures.
