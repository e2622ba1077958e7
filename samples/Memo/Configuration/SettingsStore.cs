using System.Text;
using Coach.Abstractions;
using Coach.Configuration.Yaml;
using Microsoft.Extensions.Primitives;

namespace Memo.Configuration;

/// <summary>
/// The configuration folder: the snapshot in use, the edits of its files, and the last good snapshot when an edit made
/// by hand cannot be used.
/// </summary>
internal sealed class SettingsStore : IComponentHealth, IDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly Lock _lock = new();
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, string?> _texts;
    private CancellationTokenSource _changed = new();
    private ITimer? _timer;

    private SettingsStore(string folder, TimeProvider time)
    {
        _folder = folder;
        _time = time;
        _texts = ReadFiles();
        Current = SettingsReader.Read(_texts.GetValueOrDefault, PathOf);
    }

    public MemoSettings Current { get; private set; }

    /// <summary>Why the files as they are now are not in use; null while they are.</summary>
    public YamlConfigurationException? LastError { get; private set; }

    /// <summary>Fires when <see cref="Current"/> is replaced.</summary>
    public IChangeToken ChangeToken => new CancellationChangeToken(Volatile.Read(ref _changed).Token);

    public string Folder => _folder;

    public string Name => "configuration";

    /// <summary>Opens the folder; what it lacks of the shipped files is put there first.</summary>
    /// <exception cref="YamlConfigurationException">A file cannot be used.</exception>
    public static SettingsStore Open(string folder, string shipped, TimeProvider time)
    {
        try
        {
            CopyShipped(folder, shipped);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException(
                $"The configuration folder {folder} cannot be used: {exception.Message} Set MEMO_CONFIG to another folder.",
                exception);
        }

        ConfigFiles.CheckFolder(folder);
        return new SettingsStore(folder, time);
    }

    // What a folder lacks of the files that come with the program.
    private static void CopyShipped(string folder, string shipped)
    {
        Directory.CreateDirectory(folder);
        foreach (string name in ConfigFiles.All)
        {
            string path = Path.Combine(folder, name + ".yaml");
            string source = Path.Combine(shipped, name + ".yaml");
            if (!File.Exists(path) && File.Exists(source))
            {
                File.Copy(source, path);
            }
        }
    }

    /// <summary>Looks at the files every two seconds from now on.</summary>
    public void Watch() =>
        _timer ??= _time.CreateTimer(_ => Reload(), null, PollInterval, PollInterval);

    /// <summary>Reads the editable files again; what cannot be used leaves the last good snapshot.</summary>
    public void Reload()
    {
        lock (_lock)
        {
            try
            {
                Dictionary<string, string?> texts = ReadFiles();
                bool isSame = ConfigFiles.Editable.All(name => texts[name] == _texts[name]);
                if (isSame && LastError is null)
                {
                    return;
                }

                // What is read at start stays as it was: it is told so in the README.
                Use(name => ConfigFiles.Editable.Contains(name) ? texts[name] : _texts[name]);
                foreach (string name in ConfigFiles.Editable)
                {
                    _texts[name] = texts[name];
                }
            }
            catch (YamlConfigurationException exception)
            {
                LastError = exception;
            }
        }
    }

    /// <summary>The text of an editable file as it is on disk.</summary>
    public string ReadText(string name)
    {
        lock (_lock)
        {
            return ReadFile(name) ?? "";
        }
    }

    /// <summary>Checks a file's new text beside the others as they are.</summary>
    /// <exception cref="YamlConfigurationException">It cannot be used.</exception>
    public void Check(string name, string text)
    {
        lock (_lock)
        {
            SettingsReader.Read(each => each == name ? text : _texts[each], each => each + ".yaml");
        }
    }

    /// <summary>Checks a file's new text, backs the old one up, and puts it in use.</summary>
    /// <returns>The backup's file name; null if there was no old file.</returns>
    /// <exception cref="YamlConfigurationException">The text cannot be used; nothing changed.</exception>
    public string? Replace(string name, string text)
    {
        lock (_lock)
        {
            Check(name, text);
            string path = PathOf(name);
            string? backup = null;
            if (File.Exists(path))
            {
                string backups = Directory.CreateDirectory(Path.Combine(_folder, "backups")).FullName;
                string stamp = _time.GetUtcNow().ToString("yyyyMMdd-HHmmss-fff", System.Globalization.CultureInfo.InvariantCulture);
                backup = $"{name}-{stamp}.yaml";
                File.Copy(path, Path.Combine(backups, backup), overwrite: true);
            }

            // Whole or not at all: a new file takes the old one's name.
            string next = path + ".new";
            using (var stream = new FileStream(next, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                stream.Write(Utf8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            File.Move(next, path, overwrite: true);
            _texts[name] = text;
            Use(each => _texts[each]);
            return backup;
        }
    }

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(LastError is { } error
            ? new ComponentReport(ComponentState.Degraded, $"{error.Message} The last good configuration is in use.")
            : new ComponentReport(ComponentState.Healthy, "All files are in use."));

    public void Dispose()
    {
        _timer?.Dispose();
        _changed.Dispose();
    }

    private string PathOf(string name) => Path.Combine(_folder, name + ".yaml");

    private void Use(Func<string, string?> read)
    {
        Current = SettingsReader.Read(read, PathOf);
        LastError = null;
        using CancellationTokenSource changed = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        changed.Cancel();
    }

    private Dictionary<string, string?> ReadFiles() =>
        ConfigFiles.All.ToDictionary(name => name, ReadFile, StringComparer.Ordinal);

    private string? ReadFile(string name)
    {
        string path = PathOf(name);
        try
        {
            return File.Exists(path) ? Utf8.GetString(File.ReadAllBytes(path)) : null;
        }
        catch (DecoderFallbackException)
        {
            throw new YamlConfigurationException(path, 1, "the file is not UTF-8. Save it as UTF-8.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new YamlConfigurationException(
                path, 0, $"the file cannot be read ({exception.GetType().Name}). Check its rights.");
        }
    }
}
