//! The picture of an employee.

use bytes::Bytes;

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Photo {
    /// On the vendor's host, which needs the vendor's credentials: the path below the vendor's URL, with its query.
    OfVendor(String),
    /// At a public address, which anybody can load.
    Public(String),
}

/// A picture, as a vendor returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub image_type: ImageType,
    pub bytes: Bytes,
}

/// The types that browsers show and that can't run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageType {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl ImageType {
    /// By the first bytes, whatever the response says: none for anything else.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let starts_with = |start: &[u8]| bytes.starts_with(start);
        if starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(ImageType::Png)
        } else if starts_with(b"\xff\xd8\xff") {
            Some(ImageType::Jpeg)
        } else if starts_with(b"GIF87a") || starts_with(b"GIF89a") {
            Some(ImageType::Gif)
        } else if starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(ImageType::Webp)
        } else {
            None
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            ImageType::Png => "image/png",
            ImageType::Jpeg => "image/jpeg",
            ImageType::Gif => "image/gif",
            ImageType::Webp => "image/webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0"[..], Some(ImageType::Png)),
            (b"\xff\xd8\xff\xe0", Some(ImageType::Jpeg)),
            (b"GIF89a...", Some(ImageType::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(ImageType::Webp)),
            (b"RIFF\x10\0\0\0WAVE", None),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(ImageType::of(bytes), expected);
        }
    }
}
