//! A half-typed cell → whether it is whole, what can stand at the cursor, what a name means.
