//! EPUB: a book is a document, the files of its spine in their order.

use std::io::Read;
use std::sync::Arc;

use crate::corpus::archive::{self, Members, Place};
use crate::corpus::charset;
use crate::corpus::compression::Entry;
use crate::corpus::document::Dropped;
use crate::corpus::epub::{self, Item, Package};
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::html;
use crate::corpus::input_file::InputFile;
use crate::corpus::record::Record;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Sink};
use crate::corpus::source::ByteSource;
use crate::error::{Error, Result, is_of_the_machine};
use crate::io::Input;
use crate::quarantine::Kind;

/// Bytes of a package, and of what names it.
const PACKAGE_MAX: u64 = 16 << 20;

/// The format.
pub(super) struct Epub;

impl Format for Epub {
    fn name(&self) -> &'static str {
        "epub"
    }

    fn proves(&self, head: &[u8]) -> bool {
        epub::is_epub(head)
    }

    fn is_streamed(&self) -> bool {
        false
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        if !source.is_plain_file() {
            return Ok(Err(Fault::unsupported("EPUB is read from plain files only")));
        }
        Ok(Book::open(source.file())?.map(|book| Box::new(Books { input: source.input, book: Some(Arc::new(book)) }) as Box<dyn Framing>))
    }
}

/// A book whose package has been read.
#[derive(Debug)]
struct Book {
    package: Package,
    /// Files of the text: their names and places.
    chapters: Vec<(String, Place)>,
    dropped: Dropped,
    /// Bytes that its files take in the archive.
    bytes: u64,
}

impl Book {
    fn open(file: &InputFile) -> Result<std::result::Result<Self, Fault>> {
        let opened = Input::open(&file.path).map_err(|error| Error::io(&file.path, "open", error))?;
        let listing = archive::list_book(&opened).map_err(|error| Error::io(&file.path, "read", error))?;
        let place = |name: &str| {
            let is_it = |member: &&archive::Listed| member.name.as_deref() == Some(name.as_bytes());
            listing.members.iter().find(is_it).map(|member| (member.place.clone(), member.bytes))
        };
        let text = |name: &str| -> Result<Option<String>> {
            let Some((place, _)) = place(name) else { return Ok(None) };
            let bytes = read(file, &place, PACKAGE_MAX)?;
            Ok(bytes.ok().and_then(|bytes| charset::decode(&bytes, None).ok()).map(|decoded| decoded.text))
        };
        let Some(name) = text(epub::CONTAINER)?.and_then(|container| epub::package_name(&container)) else {
            return Ok(Err(Fault::new("epub_container", "META-INF/container.xml names no package")));
        };
        let Some(xml) = text(&name)? else { return Ok(Err(Fault::new("epub_package", format!("the package {name} cannot be read")))) };
        let package = match epub::package(&name, &xml) {
            Ok(package) => package,
            Err(why) => return Ok(Err(Fault::new("epub_package", format!("the package {name}: {why}")))),
        };
        let encrypted = text(epub::ENCRYPTION)?.map(|encryption| epub::encrypted(&encryption)).unwrap_or_default();
        let mut book = Self { package, chapters: Vec::new(), dropped: Dropped::default(), bytes: 0 };
        for Item { name, aside } in &book.package.spine {
            if encrypted.contains(name) {
                return Ok(Err(Fault::new("epub_encrypted", format!("{name} is encrypted"))));
            }
            match (aside, place(name)) {
                (Some(aside), _) => book.dropped.add(aside),
                (None, Some((place, bytes))) => {
                    book.bytes += bytes;
                    book.chapters.push((name.clone(), place));
                }
                (None, None) => return Ok(Err(Fault::new("epub_spine", format!("{name} is not in the archive")))),
            }
        }
        Ok(Ok(book))
    }

    fn meta(&self) -> String {
        let Package { title, creators, language, identifier, publisher, rights, .. } = &self.package;
        let mut meta = serde_json::Map::new();
        for (key, value) in
            [("title", title), ("language", language), ("identifier", identifier), ("publisher", publisher), ("rights", rights)]
        {
            if let Some(value) = value {
                meta.insert(key.to_owned(), value.clone().into());
            }
        }
        if !creators.is_empty() {
            meta.insert("creators".to_owned(), creators.clone().into());
        }
        serde_json::Value::from(meta).to_string()
    }
}

/// The bytes of a member, at most so many; what is wrong with it is the inner result.
fn read(file: &InputFile, place: &Place, most: u64) -> Result<std::result::Result<Vec<u8>, Fault>> {
    let open = || {
        let member = Members::default().open(&file.path, Input::open(&file.path)?, place, Entry::default())?;
        let Some(member) = member else { return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the member is not read")) };
        let mut bytes = Vec::new();
        member.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match open() {
        Ok(bytes) if bytes.len() as u64 > most => Ok(Err(Fault::new("record_too_long", format!("longer than {most} bytes")))),
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error) if is_of_the_machine(&error) => Err(Error::io(&file.path, "read", error)),
        Err(error) => Ok(Err(Fault::new("epub_member", error.to_string()))),
    }
}

/// A walk over one book.
struct Books {
    input: u32,
    book: Option<Arc<Book>>,
}

impl Framing for Books {
    fn advance(&mut self, shard: &mut RawShard, _: usize) -> Result<bool> {
        if let Some(book) = self.book.take() {
            shard.count_bytes(book.bytes);
            shard.count_records(1);
            shard.push(self.input, 0, Chapters(book));
        }
        Ok(false)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        (Boundary::START, Entry::default())
    }

    fn consumed(&self) -> u64 {
        0
    }
}

/// The files of the text of a book.
#[derive(Debug)]
struct Chapters(Arc<Book>);

impl Content for Chapters {
    fn decode(&self, offset: u64, _: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let (book, file) = (&*self.0, sink.file());
        let (mut text, mut left) = (String::new(), sink.record_max());
        let html = html::Options { extract: html::Extract::All, is_xml: true, ..sink.html(None) };
        for (name, place) in &book.chapters {
            let chapter = read(file, place, left)?.and_then(|bytes| {
                left -= bytes.len() as u64;
                charset::decode(&bytes, None).map_err(|refused| Fault::new(refused.reason, refused.detail))
            });
            match chapter {
                Ok(chapter) => {
                    sink.count_bytes(chapter.text.len() as u64);
                    let page = html::read(&chapter.text, &html).text;
                    if !text.is_empty() && !page.is_empty() && !text.ends_with('\n') {
                        text.push('\n');
                    }
                    text.push_str(&page);
                }
                // A book without one of its chapters is another book.
                Err(Fault { reason, detail }) => {
                    let detail = format!("{name}: {detail}");
                    sink.quarantine(&Bad { offset, line: None, length: book.bytes, kind: Kind::Record, reason, detail: &detail });
                    return Ok(());
                }
            }
        }
        let record = Record { text, date: book.package.date.clone(), meta: Some(book.meta()), offset, ..Record::default() };
        if sink.keep(record)? {
            sink.note_dropped(&book.dropped);
        }
        Ok(())
    }
}
