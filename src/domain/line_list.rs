//! Lists of lines as text: `number;name;device-ID;button;button…`, one line each, as in the product that this one
//! replaces (its manual, section 2.2.3); and the same as CSV.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedLine {
    /// Its number.
    pub number: String,
    /// The MAC of its phone as written; `None` for an extension mobility user.
    pub device_id: Option<String>,
    /// Its name; may be empty.
    pub name: String,
    /// The numbers of its further buttons.
    pub buttons: Vec<String>,
}

/// Why a list cannot be read: the place and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {detail}")]
pub struct ListError {
    /// Number of the line in the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub detail: String,
}

/// The text of a file as editors on Windows and elsewhere write it: UTF-8 with or without byte order mark, UTF-16, or
/// Windows-1252.
pub fn text_of(bytes: &[u8]) -> String {
    let guessed = || {
        // Without a mark UTF-16 gives itself away by the zeros of its Latin letters.
        let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).take(64).filter(|byte| **byte == 0).count();
        match (zeros(0), zeros(1)) {
            (0, 0) if std::str::from_utf8(bytes).is_ok() => UTF_8,
            (0, 0) => WINDOWS_1252,
            (even, odd) if even > odd => UTF_16BE,
            _ => UTF_16LE,
        }
    };
    let encoding = Encoding::for_bom(bytes).map_or_else(guessed, |(encoding, _)| encoding);
    encoding.decode(bytes).0.into_owned()
}

/// Reads a list. Blank lines are passed over; line ends may be those of any system.
///
/// # Errors
/// All lines that cannot be read.
pub fn read(text: &str) -> Result<Vec<(usize, ListedLine)>, Vec<ListError>> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let rows = (1..).zip(text.split('\n')).filter(|(_, row)| !row.trim().is_empty());
    gather(rows.map(|(line, row)| (line, fields_of(row))))
}

fn fields_of(row: &str) -> Vec<String> {
    row.split(';').map(|field| field.trim().to_owned()).collect()
}

/// Reads the same as CSV with the header `number,name,device_id,buttons…`; the columns may stand in any order.
///
/// # Errors
/// All rows that cannot be read.
pub fn read_csv(text: &str) -> Result<Vec<(usize, ListedLine)>, Vec<ListError>> {
    // A line is counted where it ends: one kind of end only, and every place is right.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let at_start = |detail: String| vec![ListError { line: 1, detail }];
    let header = reader.headers().map_err(|error| at_start(error.to_string()))?.clone();
    let column = |name: &str| header.iter().position(|title| title.eq_ignore_ascii_case(name));
    let Some(number) = column("number") else {
        return Err(at_start("The first row must name the columns: number, name, device_id, and buttons.".to_owned()));
    };
    let (name, device, buttons) = (column("name"), column("device_id"), column("buttons"));
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(index + 2, |at| line_at(&text, at));
                let field = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
                let mut fields = vec![field(Some(number)), field(name), field(device)];
                // Buttons are the last column, and whatever stands behind it.
                fields.extend(buttons.into_iter().flat_map(|at| record.iter().skip(at).map(str::to_owned)));
                rows.push((line, fields));
            }
            Err(error) => return Err(vec![ListError { line: index + 2, detail: error.to_string() }]),
        }
    }
    gather(rows.into_iter())
}

/// The line in which a row begins: its place is that of the blank lines before it.
fn line_at(text: &str, at: &csv::Position) -> usize {
    let number = |count: u64| usize::try_from(count).unwrap_or_default();
    let blank = text.bytes().skip(number(at.byte())).take_while(|byte| *byte == b'\n').count();
    number(at.line()) + blank
}

fn gather(rows: impl Iterator<Item = (usize, Vec<String>)>) -> Result<Vec<(usize, ListedLine)>, Vec<ListError>> {
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    for (line, fields) in rows {
        let mut fields = fields.into_iter();
        let mut next = || fields.next().unwrap_or_default();
        let (number, name, device_id) = (next(), next(), next());
        if number.is_empty() {
            errors
                .push(ListError { line, detail: "There is no number: write number;name;device-ID;button.".to_owned() });
            continue;
        }
        let listed = ListedLine {
            number,
            name,
            device_id: Some(device_id).filter(|text| !text.is_empty()),
            buttons: fields.filter(|text| !text.is_empty()).collect(),
        };
        lines.push((line, listed));
    }
    if errors.is_empty() { Ok(lines) } else { Err(errors) }
}

/// Writes a list: sorted by number, then device id, at least three `;` in each line.
pub fn write(lines: &mut [ListedLine]) -> String {
    lines.sort();
    let mut text = String::new();
    for line in lines.iter() {
        let device_id = line.device_id.as_deref().unwrap_or_default();
        text.push_str(&format!("{};{};{device_id};{}\n", line.number, plain(&line.name), line.buttons.join(";")));
    }
    text
}

/// Writes the same as CSV.
pub fn write_csv(lines: &mut [ListedLine]) -> String {
    lines.sort();
    let most = lines.iter().map(|line| line.buttons.len()).max().unwrap_or(0).max(1);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let mut header = vec!["number", "name", "device_id", "buttons"];
    header.resize(3 + most, "");
    // Writing to memory does not fail.
    let _ = writer.write_record(header);
    for line in lines.iter() {
        let mut fields = vec![line.number.as_str(), line.name.as_str(), line.device_id.as_deref().unwrap_or_default()];
        fields.extend(line.buttons.iter().map(String::as_str));
        fields.resize(3 + most, "");
        let _ = writer.write_record(fields);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// The format knows no quotes: what would end a field or a line is replaced.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c == ';' {
                ','
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The system of the XML dossier, section 14.1.
    const ROWS: &str = "201;Anna Berg;00AA11BB0001;204\n202;Ben Cole;00AA11BB0002;204\n205;Eli Frank;;203\n\
                        207;Gus Hart;00AA11BB0004;\n208;Ida Jung;00AA11BB0005;203\n";

    fn lines(text: &str) -> Vec<ListedLine> {
        read(text).unwrap().into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn what_is_written_is_read_and_written_again_byte_for_byte() {
        let mut found = lines(ROWS);
        assert_eq!(found.len(), 5);
        assert_eq!((found[2].device_id.as_deref(), found[3].buttons.len()), (None, 0));
        found.reverse();
        assert_eq!(write(&mut found), ROWS);
        let csv = write_csv(&mut found);
        assert!(csv.starts_with("number,name,device_id,buttons\n201,Anna Berg,00AA11BB0001,204\n"), "{csv}");
        let again: Vec<ListedLine> = read_csv(&csv).unwrap().into_iter().map(|(_, line)| line).collect();
        assert_eq!(again, found);
    }

    #[test]
    fn every_usual_encoding_and_line_end_is_understood() {
        let umlaut = "201;Jürgen;;\r\n202;Ben;;\r\n";
        let utf16: Vec<u8> = umlaut.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xFF\xFE".as_slice(), &utf16].concat();
        let big: Vec<u8> = umlaut.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin: Vec<u8> = umlaut.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let bom = [b"\xEF\xBB\xBF".as_slice(), umlaut.as_bytes()].concat();
        for bytes in [umlaut.as_bytes(), &bom, &utf16, &marked, &big, &latin] {
            let found = read(&text_of(bytes)).unwrap();
            assert_eq!(found.len(), 2);
            assert_eq!((found[0].1.name.as_str(), found[1].0), ("Jürgen", 2));
        }
        assert_eq!(lines("201\r202;B\n\n203;;;;204;").len(), 3);
    }

    #[test]
    fn a_line_without_a_number_is_named() {
        let errors = read("201;A;;\r\n\r\n;B;;\r\n;C\n").unwrap_err();
        assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(read_csv("a,b\n1,2\n").unwrap_err()[0].line, 1);
        assert_eq!(read_csv("name,number\nA,201\nB,\n").unwrap_err()[0].line, 3);
        for end in ["\n", "\r\n", "\r"] {
            let text = ["name,number", "A,201", "B,", "", "C,202", "\"D\",", "", "", "E,"].join(end);
            let errors = read_csv(&text).unwrap_err();
            assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [3, 6, 9], "{end:?}");
            let errors = read(&["201;A;;", ";B;;", "", "202;C;;", ";D;;"].join(end)).unwrap_err();
            assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [2, 5], "{end:?}");
        }
    }

    #[test]
    fn a_name_never_breaks_the_format() {
        let line = ListedLine { number: "201".into(), device_id: None, name: "A;B\nC".into(), buttons: Vec::new() };
        assert_eq!(write(&mut [line]), "201;A,B C;;\n");
    }
}
