using System.Globalization;
using System.IO.Compression;
using Memo.Data;
using Microsoft.Data.Sqlite;

namespace Memo.Operations;

/// <summary>Compressed copies of the SQLite file, each proved by being unpacked and read.</summary>
internal static class Backup
{
    private const string Prefix = "memo-";
    private const string Suffix = ".db.gz";
    private static readonly string[] FilesBeside = ["-wal", "-shm"];

    /// <summary>Copies the database while it is in use, packs the copy, proves it, and gives it its name last.</summary>
    /// <returns>The backup's path.</returns>
    public static string Create(SqliteDatabase database, string folder, DateTimeOffset now, int keep)
    {
        Directory.CreateDirectory(folder);
        foreach (string left in Directory.EnumerateFiles(folder, "*.tmp*"))
        {
            File.Delete(left); // of a run that was killed
        }

        string stamp = now.UtcDateTime.ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture);
        string path = Path.Combine(folder, Prefix + stamp + Suffix);
        string copy = path + ".tmp";
        string packed = path + ".tmp.gz";
        try
        {
            database.CopyTo(copy);
            using (FileStream source = File.OpenRead(copy))
            using (FileStream target = File.Create(packed))
            {
                using (var gzip = new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true))
                {
                    source.CopyTo(gzip);
                }

                target.Flush(flushToDisk: true);
            }

            Verify(packed);
            File.Move(packed, path, overwrite: true);
        }
        finally
        {
            File.Delete(copy);
            File.Delete(packed);
        }

        foreach (string old in List(folder).Skip(keep))
        {
            File.Delete(old);
        }

        return path;
    }

    /// <summary>The backups, newest first.</summary>
    public static IEnumerable<string> List(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, Prefix + "*" + Suffix).OrderDescending(StringComparer.Ordinal)
        : [];

    /// <summary>Unpacks a backup into a temporary place and reads it to its end.</summary>
    /// <returns>How many evaluations are in it.</returns>
    /// <exception cref="InvalidOperationException">It is damaged, or no backup of this program.</exception>
    public static long Verify(string path)
    {
        string copy = Path.Combine(Path.GetTempPath(), $"memo-verify-{Guid.NewGuid():N}.db");
        try
        {
            Unpack(path, copy);
            return Check(copy, path);
        }
        finally
        {
            DeleteDatabase(copy);
        }
    }

    /// <summary>Puts a backup in the database's place; the old file is kept beside it.</summary>
    /// <exception cref="InvalidOperationException">The backup is damaged; nothing changed.</exception>
    public static void Restore(string path, string database)
    {
        string next = database + ".restoring";
        Unpack(path, next);
        try
        {
            Check(next, path);
            foreach (string suffix in FilesBeside)
            {
                File.Delete(database + suffix + ".before-restore");
                if (File.Exists(database + suffix))
                {
                    File.Move(database + suffix, database + suffix + ".before-restore");
                }
            }

            if (File.Exists(database))
            {
                File.Move(database, database + ".before-restore", overwrite: true);
            }

            File.Move(next, database);
        }
        finally
        {
            DeleteDatabase(next);
        }
    }

    // A file in WAL mode that is only read leaves two files beside it.
    private static void DeleteDatabase(string path)
    {
        File.Delete(path);
        foreach (string suffix in FilesBeside)
        {
            File.Delete(path + suffix);
        }
    }

    private static void Unpack(string path, string target)
    {
        try
        {
            using FileStream source = File.OpenRead(path);
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            using FileStream file = File.Create(target);
            gzip.CopyTo(file);
            file.Flush(flushToDisk: true);
        }
        catch (InvalidDataException exception)
        {
            File.Delete(target);
            throw Damaged(path, exception);
        }
        catch (FileNotFoundException exception)
        {
            throw new InvalidOperationException($"There is no backup {path}.", exception);
        }
    }

    private static long Check(string database, string path)
    {
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = database,
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            }.ToString());
            connection.Open();
            using SqliteCommand check = connection.CreateCommand();
            check.CommandText = "PRAGMA integrity_check";
            if (check.ExecuteScalar() is not "ok")
            {
                throw Damaged(path, null);
            }

            check.CommandText = "SELECT COUNT(*) FROM evaluations";
            return (long)check.ExecuteScalar()!;
        }
        catch (SqliteException exception)
        {
            throw Damaged(path, exception);
        }
    }

    private static InvalidOperationException Damaged(string path, Exception? inner) =>
        new($"The backup {path} is damaged, or no backup of this program. Use another one.", inner);
}
