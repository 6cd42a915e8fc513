//! Writing all reports of a run into one folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Report, ReportError, html,
    json::{try_file, write_file},
    junit, markdown,
};
use crate::spec::Catalogue;

/// Where the reports are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `report.json`.
    pub json: PathBuf,
    /// `junit.xml`.
    pub junit: PathBuf,
    /// `summary.md`.
    pub markdown: PathBuf,
    /// `report.html`.
    pub html: PathBuf,
}

impl Paths {
    /// The files in a folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            json: folder.join("report.json"),
            junit: folder.join("junit.xml"),
            markdown: folder.join("summary.md"),
            html: folder.join("report.html"),
        }
    }

    /// Every file.
    pub fn all(&self) -> [&Path; 4] {
        [&self.json, &self.junit, &self.markdown, &self.html]
    }
}

/// Makes the folder if it is absent.
///
/// # Errors
/// When it cannot be made.
pub fn prepare(folder: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(folder).map_err(|source| ReportError::Folder { path: folder.to_owned(), source })
}

/// Writes every format into a folder, which is made if it is absent. `report.json` comes first: the others can
/// be made from it again.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write_all(folder: &Path, report: &Report, catalogue: &Catalogue) -> Result<Paths, ReportError> {
    prepare(folder)?;
    let paths = Paths::within(folder);
    report.write(&paths.json)?;
    write_file(&paths.junit, junit::render(report, catalogue)?.as_bytes())?;
    write_file(&paths.markdown, markdown::render(report, catalogue).as_bytes())?;
    write_file(&paths.html, html::render(report, catalogue)?.as_bytes())?;
    Ok(paths)
}

/// Tries whether a file can be written, without leaving one behind.
///
/// # Errors
/// When it cannot.
pub fn prepare_file(path: &Path) -> Result<(), ReportError> {
    try_file(path)
}

/// Writes one text to a file: whoever looks sees the old file or the new one.
///
/// # Errors
/// When the file cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
    write_file(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn all_formats_are_written_and_nothing_else() {
        let folder = fixture::folder("write").join("new/deep");
        let paths = write_all(&folder, &fixture::sample(), fixture::catalogue()).unwrap();
        for path in paths.all() {
            assert!(fs::metadata(path).unwrap().len() > 500, "{}", path.display());
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), paths.all().len());
        fs::remove_dir_all(folder.parent().unwrap().parent().unwrap()).unwrap();
    }

    #[test]
    fn a_folder_that_is_a_file_is_named() {
        let folder = fixture::folder("file");
        let file = folder.join("taken");
        fs::write(&file, "").unwrap();
        let error = write_all(&file, &fixture::sample(), fixture::catalogue()).unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
