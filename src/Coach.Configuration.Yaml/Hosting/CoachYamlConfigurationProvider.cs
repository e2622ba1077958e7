using System.Security.Cryptography;
using Coach.Abstractions;
using Microsoft.Extensions.Configuration;

namespace Coach.Configuration.Yaml;

/// <summary>
/// The values of one file. When an edit cannot be used, the last good values stay, and <see cref="LastError"/> says
/// why.
/// </summary>
public sealed class CoachYamlConfigurationProvider : ConfigurationProvider, IComponentHealth, IDisposable
{
    private readonly Lock _lock = new();
    private readonly CoachYamlOptions _options;
    private readonly string _fullPath;
    private Dictionary<string, int> _lines = new(StringComparer.OrdinalIgnoreCase);
    private byte[] _seen = [];
    private ITimer? _timer;

    internal CoachYamlConfigurationProvider(string path, CoachYamlOptions options)
    {
        Path = path;
        _fullPath = System.IO.Path.GetFullPath(path);
        _options = options;
    }

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>Why the file as it is now is not in use; null while it is.</summary>
    public YamlConfigurationException? LastError { get; private set; }

    /// <summary>The name of this file's row in a health report.</summary>
    public string Name => "config-" + System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>Reads the file.</summary>
    /// <exception cref="YamlConfigurationException">It cannot be used.</exception>
    public override void Load()
    {
        lock (_lock)
        {
            byte[]? bytes = ReadFile();
            Use(bytes);
            _seen = Digest(bytes);
            LastError = null;
            if (_options.ReloadOnChange)
            {
                _timer ??= _options.Time.CreateTimer(
                    static state => ((CoachYamlConfigurationProvider)state!).Reload(),
                    this, _options.PollInterval, _options.PollInterval);
            }
        }
    }

    /// <summary>Reads the file again if its content changed.</summary>
    /// <returns>Whether other values are in use now.</returns>
    public bool Reload()
    {
        bool isChanged = false;
        lock (_lock)
        {
            byte[]? bytes;
            try
            {
                bytes = ReadFile();
            }
            catch (YamlConfigurationException exception)
            {
                // Whatever it holds when it is back is read.
                _seen = [];
                LastError = exception;
                return false;
            }

            try
            {
                byte[] digest = Digest(bytes);
                if (digest.AsSpan().SequenceEqual(_seen))
                {
                    return false;
                }

                _seen = digest;
                Use(bytes);
                LastError = null;
                isChanged = true;
            }
            catch (YamlConfigurationException exception)
            {
                LastError = exception;
            }
        }

        if (isChanged)
        {
            OnReload();
        }

        return isChanged;
    }

    /// <summary>Where a key stands in the file.</summary>
    /// <param name="key">The key as the configuration knows it, with the section.</param>
    /// <returns>The line, from 1; null if the file does not set it.</returns>
    public int? LineOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_lock)
        {
            return _lines.TryGetValue(key, out int line) ? line : null;
        }
    }

    /// <inheritdoc />
    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(LastError is { } error
            ? new ComponentReport(ComponentState.Degraded, $"{error.Message} The last good file is in use.")
            : new ComponentReport(ComponentState.Healthy, "The file is in use."));

    /// <summary>Stops looking at the file.</summary>
    public void Dispose() => _timer?.Dispose();

    private static byte[] Digest(byte[]? bytes) => bytes is null ? [] : SHA256.HashData(bytes);

    private byte[]? ReadFile()
    {
        try
        {
            using var file = new FileStream(
                _fullPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new MemoryStream();
            byte[] buffer = new byte[16 * 1024];
            int read;

            // One byte too many is enough for the refusal.
            while (bytes.Length <= _options.MaxBytes && (read = file.Read(buffer)) > 0)
            {
                bytes.Write(buffer, 0, read);
            }

            return bytes.ToArray();
        }
        catch (Exception exception) when (
            _options.Optional && exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            string reason = exception is FileNotFoundException or DirectoryNotFoundException
                ? "the file is not there. Create it, or name another."
                : $"the file cannot be read ({exception.GetType().Name}). Check its rights.";
            throw new YamlConfigurationException(Path, 0, reason);
        }
    }

    private void Use(byte[]? bytes)
    {
        var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var lines = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (YamlEntry entry in bytes is null ? [] : CoachYaml.Read(bytes, Path, _options))
        {
            string key = _options.Section.Length == 0
                ? entry.Key
                : ConfigurationPath.Combine(_options.Section, entry.Key);
            data[key] = entry.Value;
            lines[key] = entry.Line;
        }

        Data = data;
        _lines = lines;
    }
}
