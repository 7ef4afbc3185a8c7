//! What never ended counts.
