use crate::Options; pub fn run(_: &Options) -> u8 { 2 }
