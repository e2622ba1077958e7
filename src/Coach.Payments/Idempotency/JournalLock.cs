namespace Coach.Payments.Idempotency;

/// <summary>One process at a time: a lock file beside a journal, held as long as it is open.</summary>
internal static class JournalLock
{
    private const int ReadOnlyFileSystem = 30; // EROFS
    private const int DiskFull = 28; // ENOSPC
    private const int DiskFullWindows = 0x70; // ERROR_DISK_FULL

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>Takes the lock.</summary>
    /// <exception cref="PaymentStoreException">It cannot be written.</exception>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream Take(string path)
    {
        try
        {
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw PaymentStoreException.NotWritable(path, exception);
        }
        catch (IOException exception) when (IsFull(exception))
        {
            throw PaymentStoreException.Full(path, exception);
        }
        catch (IOException exception)
        {
            throw IsReadOnly(exception)
                ? PaymentStoreException.NotWritable(path, exception)
                : new IOException(
                    $"The payment journal '{path}' cannot be locked: another process has it open. One process at a "
                    + "time may use it; replicas need a shared store.", exception);
        }
    }

    /// <summary>Makes a journal's folder, and opens it once the process that has it open lets it go.</summary>
    /// <exception cref="PaymentStoreException">It cannot be written, or stays in use.</exception>
    public static T Wait<T>(string path, TimeSpan timeout, Func<string, T> open)
    {
        string full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw PaymentStoreException.NotWritable(full, exception);
        }

        // The wait is the machine's, not virtual time's: it is for another process.
        TimeProvider machine = TimeProvider.System;
        long start = machine.GetTimestamp();
        while (true)
        {
            try
            {
                return open(full);
            }
            catch (InvalidDataException exception)
            {
                throw PaymentStoreException.Unreadable(exception);
            }
            catch (IOException exception) when (IsFull(exception))
            {
                throw PaymentStoreException.Full(full, exception); // no other process will end that
            }
            catch (IOException exception)
            {
                if (machine.GetElapsedTime(start) >= timeout)
                {
                    throw PaymentStoreException.InUse(full, exception);
                }
            }

            Task.Delay(Poll, machine).GetAwaiter().GetResult();
        }
    }

    public static bool IsFull(IOException exception) =>
        (exception.HResult & 0xFFFF) is DiskFull or DiskFullWindows;

    public static bool IsReadOnly(IOException exception) =>
        !OperatingSystem.IsWindows() && (exception.HResult & 0xFFFF) == ReadOnlyFileSystem;
}
