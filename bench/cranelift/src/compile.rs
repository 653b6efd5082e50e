use crate::Options;
pub fn list(_: &Options) -> u8 { 2 }
pub fn compile(_: &Options) -> u8 { 2 }
pub fn parse(_: &Options) -> u8 { 2 }
