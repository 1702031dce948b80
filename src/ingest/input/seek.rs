//! Finds the array of records inside a JSON document, byte by byte.

/// Walks into a document until the array under `keys` opens.
pub(crate) struct Seek {
    keys: Vec<String>,
    /// Keys of the path that have been entered.
    entered: usize,
    /// Depth of containers below the last entered one.
    depth: usize,
    state: State,
    /// The key or string that is being read, with its quotes.
    string: Vec<u8>,
    escaped: bool,
}

#[derive(PartialEq, Clone, Copy)]
enum State {
    /// Before the document's first byte.
    Start,
    /// In an object on the path, before a key.
    Key,
    /// In a key of an object on the path.
    InKey,
    /// After a key that is on the path: its value comes.
    Wanted,
    /// In or before a value that is not on the path.
    Other,
    /// In a string of such a value.
    InOther,
}

/// A key longer than this is none that a mapping names.
const LONGEST_KEY: usize = 4096;

impl Seek {
    pub(crate) fn new(keys: Vec<String>) -> Self {
        let state = State::Start;
        Seek {
            keys,
            entered: 0,
            depth: 0,
            state,
            string: Vec::new(),
            escaped: false,
        }
    }

    /// Whether nothing but blanks has been seen.
    pub(crate) fn is_blank(&self) -> bool {
        self.state == State::Start
    }

    /// What to say when the document ends before the array.
    pub(crate) fn missing(&self) -> String {
        format!("no array is found under \"{}\"", self.keys.join("."))
    }

    /// Takes bytes. Returns how many were used and whether the array has opened.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> (usize, Result<bool, String>) {
        for (at, byte) in bytes.iter().enumerate() {
            match self.step(*byte) {
                Ok(false) => {}
                done => return (at + 1, done),
            }
        }
        (bytes.len(), Ok(false))
    }

    fn step(&mut self, byte: u8) -> Result<bool, String> {
        match self.state {
            State::Start | State::Wanted => return self.enter(byte),
            State::Key => match byte {
                b'"' => {
                    self.string.clear();
                    self.string.push(byte);
                    self.state = State::InKey;
                }
                b'}' => return Err(self.missing()),
                _ => {}
            },
            State::InKey | State::InOther => self.in_string(byte),
            State::Other => match byte {
                b'"' => self.state = State::InOther,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => self.depth -= 1,
                b'}' | b']' => return Err(self.missing()),
                b',' if self.depth == 0 => self.state = State::Key,
                _ => {}
            },
        }
        Ok(false)
    }

    /// The first byte of a value on the path.
    fn enter(&mut self, byte: u8) -> Result<bool, String> {
        // A byte order mark may stand before the document.
        let skipped = [0xEF, 0xBB, 0xBF].contains(&byte) && self.state == State::Start;
        if byte.is_ascii_whitespace() || skipped || (byte == b':' && self.state == State::Wanted) {
            return Ok(false);
        }
        if self.state == State::Wanted {
            self.entered += 1;
        }
        match (byte, self.entered == self.keys.len()) {
            (b'[', true) => Ok(true),
            (b'{', false) => {
                self.state = State::Key;
                Ok(false)
            }
            (_, true) => Err(format!("{} is not an array", self.place())),
            (_, false) => Err(format!("{} is not an object", self.place())),
        }
    }

    fn place(&self) -> String {
        match self.entered {
            0 => "the file".to_string(),
            entered => format!("\"{}\"", self.keys[..entered].join(".")),
        }
    }

    fn in_string(&mut self, byte: u8) {
        let key = self.state == State::InKey;
        if key && self.string.len() < LONGEST_KEY {
            self.string.push(byte);
        }
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            let name = serde_json::from_slice::<String>(&self.string).ok();
            let wanted = key && name.as_deref() == self.keys.get(self.entered).map(String::as_str);
            self.state = if wanted { State::Wanted } else { State::Other };
        }
    }
}
