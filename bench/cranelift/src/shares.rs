pub fn of_file(_: &str) -> u8 { 2 }
