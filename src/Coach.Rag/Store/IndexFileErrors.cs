namespace Coach.Rag.Store;

/// <summary>Turns what the system says about a file into a <see cref="RagException"/>.</summary>
internal static class IndexFileErrors
{
    // errno values of Linux and macOS, and the Win32 codes in HRESULT form.
    private const int NoSpace = 28, FileTooBig = 27, ReadOnlyFileSystem = 30, QuotaLinux = 122, QuotaMac = 69;
    private const int WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsWriteProtect = unchecked((int)0x80070013);

    public static bool IsFileError(Exception exception) => exception is IOException or UnauthorizedAccessException;

    public static RagException Write(string index, Exception exception) => exception switch
    {
        UnauthorizedAccessException => RagException.IndexReadOnly(index, exception),
        IOException
        {
            HResult: NoSpace or FileTooBig or QuotaLinux or QuotaMac or WindowsDiskFull
            or WindowsHandleDiskFull
        } =>
            RagException.IndexFull(index, exception),
        IOException { HResult: ReadOnlyFileSystem or WindowsWriteProtect } =>
            RagException.IndexReadOnly(index, exception),
        FileNotFoundException => RagException.IndexUnavailable(index, "vanished while it was in use", exception),
        DirectoryNotFoundException =>
            RagException.IndexUnavailable(index, "cannot be written: its folder does not exist", exception),
        _ => RagException.IndexUnavailable(index, "could not be written", exception),
    };

    public static RagException Read(string index, Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            RagException.IndexUnavailable(index, "vanished while it was in use", exception),
        _ => RagException.IndexUnavailable(index, "could not be read", exception),
    };
}
