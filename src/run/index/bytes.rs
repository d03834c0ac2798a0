//! Numbers and texts as bytes, under one checksum. Nothing that is read can ask for more than there is.

/// Gathers bytes.
pub(super) struct Writer(Vec<u8>);

/// Reads what a [`Writer`] sealed, if it is whole.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The checksum at the beginning.
const SEAL_BYTES: usize = 4;

impl Writer {
    pub fn with_room(bytes: usize) -> Self {
        let mut all = Vec::with_capacity(bytes);
        all.resize(SEAL_BYTES, 0);
        Self(all)
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn u32(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    pub fn u64(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub fn text(&mut self, text: &[u8]) {
        self.u64(text.len() as u64);
        self.bytes(text);
    }

    pub fn sealed(mut self) -> Vec<u8> {
        let (seal, rest) = self.0.split_at_mut(SEAL_BYTES);
        seal.copy_from_slice(&crc32c::crc32c(rest).to_le_bytes());
        self.0
    }
}

impl<'a> Reader<'a> {
    /// Begins to read; `None` where anything was cut off or changed.
    pub fn unsealed(bytes: &'a [u8]) -> Option<Self> {
        let (seal, rest) = bytes.split_first_chunk::<SEAL_BYTES>()?;
        (crc32c::crc32c(rest) == u32::from_le_bytes(*seal)).then_some(Self {
            bytes,
            at: SEAL_BYTES,
        })
    }

    /// How many bytes have been read.
    pub fn place(&self) -> usize {
        self.at
    }

    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.at..)?.get(..count)?;
        self.at += count;
        Some(bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes(4)?.first_chunk()?))
    }

    pub fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.bytes(8)?.first_chunk()?))
    }

    /// A number of things that follow: no more than there are bytes.
    pub fn count(&mut self) -> Option<usize> {
        self.count_up_to(self.bytes.len())
    }

    pub fn count_up_to(&mut self, most: usize) -> Option<usize> {
        let count = usize::try_from(self.u64()?).ok()?;
        (count <= most).then_some(count)
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        self.bytes(length)
    }
}
