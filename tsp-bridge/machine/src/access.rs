//! Who may read the folder of the bridge.
//!
//! The token is sealed for the machine and not for a person, so the rights of the folder are what protects it. Anybody may
//! make folders in `%ProgramData%`, and who owns one may change its rights whatever they are: a folder that was there
//! before is used only when it belongs to the system or its administrators.

use std::fs;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_ALREADY_EXISTS, GetLastError, HANDLE, INVALID_HANDLE_VALUE, LUID, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, CheckTokenMembership, CreateWellKnownSid, DACL_SECURITY_INFORMATION, EqualSid,
    GetKernelObjectSecurity, GetSecurityDescriptorOwner, GetTokenInformation, IsWellKnownSid, LookupPrivilegeValueW,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SE_PRIVILEGE_ENABLED,
    SECURITY_ATTRIBUTES, SetKernelObjectSecurity, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY, TOKEN_USER,
    TokenUser, WinBuiltinAdministratorsSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, GetFileAttributesW, GetFileInformationByHandle, INVALID_FILE_ATTRIBUTES, OPEN_EXISTING,
    READ_CONTROL, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::text::{narrow, wide};
use crate::{MachineError, files};

/// The system and administrators do everything; the account of the telephony service reads settings and writes lines
/// and log. Nobody else.
const FOLDER: &str = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;NS)";
/// What lies in it.
const FILE: &str = "O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1301bf;;;NS)";
/// The folder above, which the gateway's may stand in as well: anybody may look, nobody may put another in our place.
const PARENT: &str = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200a9;;;BU)(A;;0x1200a9;;;NS)";
/// The service that owns what Windows itself installed.
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
/// Room for a security descriptor with its owner; the owner alone is asked for.
const OWNER_WORDS: usize = 64;

fn failed(what: &'static str) -> MachineError {
    // SAFETY: no arguments.
    MachineError::Windows { what, code: unsafe { GetLastError() } }
}

fn wide_path(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// Makes the folder of the bridge, or takes over the one that is there: it and what lies in it get their owner and rights.
/// Needs an administrator.
///
/// # Errors
/// When it belongs to somebody else, or is a link to another place; else what Windows says.
pub fn claim() -> Result<(), MachineError> {
    take_privileges();
    let folder = files::folder();
    if let Some(parent) = folder.parent() {
        claim_one(parent, PARENT)?;
    }
    claim_one(&folder, FOLDER)?;
    let failed = |cause| MachineError::File { path: folder.display().to_string(), cause };
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // One that goes meanwhile, a draft of the service, needs no rights.
        let rights = if path.is_dir() { FOLDER } else { FILE };
        match Object::open(&path, WRITE_DAC | WRITE_OWNER).and_then(|object| object.set(&Descriptor::of(rights)?)) {
            Err(error) if path.exists() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes a folder with the rights of our own one; one that is there keeps those that somebody gave it.
///
/// # Errors
/// What Windows says.
pub fn make(folder: &Path) -> Result<(), MachineError> {
    if folder.exists() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(|cause| MachineError::File { path: parent.display().to_string(), cause })?;
    }
    create(folder, &Descriptor::of(FOLDER)?).map(|_is_new| ())
}

/// Before something is stored: the folder is made when it is missing, else it must not be somebody's own.
///
/// # Errors
/// As [`claim`].
pub fn ready() -> Result<(), MachineError> {
    let folder = files::folder();
    if !folder.exists() {
        return claim();
    }
    for one in folder.parent().into_iter().chain([folder.as_path()]) {
        Object::open(one, READ_CONTROL)?.check(one)?;
    }
    Ok(())
}

fn claim_one(folder: &Path, rights: &str) -> Result<(), MachineError> {
    let descriptor = Descriptor::of(rights)?;
    if create(folder, &descriptor)? {
        return Ok(());
    }
    // Looked at and changed through one handle: nobody can put another folder between.
    let object = Object::open(folder, READ_CONTROL | WRITE_DAC | WRITE_OWNER)?;
    object.check(folder)?;
    object.set(&descriptor)
}

/// Makes a folder that nobody else ever sees with other rights; says whether it is new.
fn create(folder: &Path, descriptor: &Descriptor) -> Result<bool, MachineError> {
    let attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    // SAFETY: the path ends with NUL, the descriptor lives.
    if unsafe { CreateDirectoryW(wide_path(folder).as_ptr(), &attributes) } != 0 {
        return Ok(true);
    }
    match failed("making the folder of the settings") {
        MachineError::Windows { code: ERROR_ALREADY_EXISTS, .. } => Ok(false),
        error => Err(error),
    }
}

/// Rights and owner, as Windows wants them.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    fn of(text: &str) -> Result<Self, MachineError> {
        let (text, mut made) = (wide(text), null_mut());
        // SAFETY: the text ends with NUL; what is made is freed when this goes.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(text.as_ptr(), SDDL_REVISION_1, &mut made, null_mut())
        };
        if done == 0 { Err(failed("reading the rights")) } else { Ok(Self(made)) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: Windows allocated it for us.
        unsafe { LocalFree(self.0) };
    }
}

struct Handle(HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is open and ours.
        unsafe { CloseHandle(self.0) };
    }
}

/// A file or folder that is no link.
struct Object(Handle);

impl Object {
    fn open(path: &Path, access: u32) -> Result<Self, MachineError> {
        let shown = wide_path(path);
        // SAFETY: the path ends with NUL.
        let handle = unsafe {
            CreateFileW(
                shown.as_ptr(),
                access | FILE_READ_ATTRIBUTES,
                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                null(),
                OPEN_EXISTING,
                FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
                null_mut(),
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(failed("opening the folder of the settings"));
        }
        let object = Self(Handle(handle));
        // SAFETY: numbers only, filled by Windows.
        let mut found: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is open, the structure is ours.
        if unsafe { GetFileInformationByHandle(object.0.0, &mut found) } == 0 {
            return Err(failed("looking at the folder of the settings"));
        }
        // SAFETY: the path ends with NUL.
        let by_name = unsafe { GetFileAttributesW(shown.as_ptr()) };
        let by_name = if by_name == INVALID_FILE_ATTRIBUTES { 0 } else { by_name };
        if (found.dwFileAttributes | by_name) & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return Err(MachineError::Link { path: path.display().to_string() });
        }
        Ok(object)
    }

    /// Whether it belongs to the system or its administrators.
    fn check(&self, path: &Path) -> Result<(), MachineError> {
        let mut words = [0_u64; OWNER_WORDS];
        let (mut needed, mut owner, mut defaulted) = (0, null_mut(), 0);
        let size = u32::try_from(size_of_val(&words)).unwrap_or(0);
        let descriptor: PSECURITY_DESCRIPTOR = words.as_mut_ptr().cast();
        // SAFETY: the block has the size that is said and outlives `owner`, which points into it.
        let owner = unsafe {
            if GetKernelObjectSecurity(self.0.0, OWNER_SECURITY_INFORMATION, descriptor, size, &mut needed) == 0
                || GetSecurityDescriptorOwner(descriptor, &mut owner, &mut defaulted) == 0
            {
                return Err(failed("asking for the owner of the folder"));
            }
            owner
        };
        if !owner.is_null() && is_trusted(owner) {
            return Ok(());
        }
        Err(MachineError::Foreign { path: path.display().to_string(), owner: shown(owner) })
    }

    fn set(&self, descriptor: &Descriptor) -> Result<(), MachineError> {
        let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        // SAFETY: the handle is open, the descriptor lives.
        if unsafe { SetKernelObjectSecurity(self.0.0, what, descriptor.0) } == 0 {
            return Err(failed("setting owner and rights of the folder"));
        }
        Ok(())
    }
}

fn shown(sid: PSID) -> String {
    let mut text = null_mut();
    // SAFETY: Windows allocates a text that ends with NUL, which is freed here.
    unsafe {
        if sid.is_null() || ConvertSidToStringSidW(sid, &mut text) == 0 {
            return "nobody".to_owned();
        }
        let length = (0..256).take_while(|at| *text.add(*at) != 0).count();
        let shown = narrow(std::slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        shown
    }
}

/// The system, the administrators, the installer of Windows; and the administrator who runs this.
fn is_trusted(owner: PSID) -> bool {
    // SAFETY: the owner is a SID of Windows.
    let is_known = unsafe {
        IsWellKnownSid(owner, WinLocalSystemSid) != 0 || IsWellKnownSid(owner, WinBuiltinAdministratorsSid) != 0
    };
    is_known || shown(owner) == TRUSTED_INSTALLER || (is_me(owner) && is_administrator())
}

fn my_token(access: u32) -> Option<Handle> {
    let mut token = null_mut();
    // SAFETY: the pseudo handle of this process; the token is closed when the handle goes.
    (unsafe { OpenProcessToken(GetCurrentProcess(), access, &mut token) } != 0).then(|| Handle(token))
}

fn is_me(owner: PSID) -> bool {
    let Some(token) = my_token(TOKEN_QUERY) else { return false };
    let mut words = [0_u64; OWNER_WORDS];
    let (mut needed, size) = (0, u32::try_from(size_of_val(&words)).unwrap_or(0));
    // SAFETY: the block is aligned, has the size that is said, and lives as long as the SID in it is used.
    unsafe {
        GetTokenInformation(token.0, TokenUser, words.as_mut_ptr().cast(), size, &mut needed) != 0
            && EqualSid((*words.as_ptr().cast::<TOKEN_USER>()).User.Sid, owner) != 0
    }
}

/// Whether this process may do what administrators may: an account that could, and runs without, does not count.
fn is_administrator() -> bool {
    let mut words = [0_u64; OWNER_WORDS];
    let (mut size, mut is_member) = (u32::try_from(size_of_val(&words)).unwrap_or(0), 0);
    let sid: PSID = words.as_mut_ptr().cast();
    // SAFETY: the block has the size that is said; without a token the one of this thread counts.
    unsafe {
        CreateWellKnownSid(WinBuiltinAdministratorsSid, null_mut(), sid, &mut size) != 0
            && CheckTokenMembership(null_mut(), sid, &mut is_member) != 0
            && is_member != 0
    }
}

/// What an administrator may do with things of others has to be switched on. Where it is not granted, Windows refuses later.
fn take_privileges() {
    let Some(token) = my_token(TOKEN_ADJUST_PRIVILEGES) else { return };
    for name in ["SeTakeOwnershipPrivilege", "SeRestorePrivilege"] {
        let mut luid = LUID { LowPart: 0, HighPart: 0 };
        let mut wanted = TOKEN_PRIVILEGES { PrivilegeCount: 1, ..Default::default() };
        // SAFETY: the name ends with NUL; one privilege is announced and there.
        unsafe {
            if LookupPrivilegeValueW(null(), wide(name).as_ptr(), &mut luid) != 0 {
                wanted.Privileges[0].Luid = luid;
                wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
                AdjustTokenPrivileges(token.0, 0, &wanted, 0, null_mut(), null_mut());
            }
        }
    }
}
