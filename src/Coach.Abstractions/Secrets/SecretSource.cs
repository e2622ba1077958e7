using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Coach.Abstractions.Secrets;

/// <summary>
/// The default <see cref="ISecretSource"/>. Values are read at each call, so a rotated secret file is seen.
/// </summary>
internal sealed class SecretSource(
    SecretManifest manifest, IConfiguration? configuration, string directory) : ISecretSource
{
    internal const string DefaultDirectory = "/run/secrets";
    internal const int MaxFileBytes = 64 * 1024;

    // Making a secret costs a hash. Only names that have a value are in here.
    private readonly ConcurrentDictionary<string, Secret> _last = new(StringComparer.Ordinal);

    public bool TryGet(string name, [NotNullWhen(true)] out Secret? secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        string? legacyName = manifest.Entries.FirstOrDefault(entry => entry.Name == name)?.LegacyName;
        string? value = Read(name) ?? (legacyName is null ? null : Read(legacyName));
        if (value is null)
        {
            _last.TryRemove(name, out _);
            secret = null;
            return false;
        }

        if (!_last.TryGetValue(name, out secret) || !secret.Holds(value))
        {
            _last[name] = secret = Secret.From(value);
        }

        return true;
    }

    public Secret Get(string name, RunMode mode)
    {
        if (mode == RunMode.Mock)
        {
            throw SecretException.RefusedInMock(name);
        }

        return TryGet(name, out Secret? secret) ? secret : throw SecretException.Missing([name]);
    }

    public IReadOnlyList<string> FindMissing(SecretManifest declared, RunMode mode)
    {
        ArgumentNullException.ThrowIfNull(declared);
        return mode == RunMode.Mock
            ? []
            : [
                .. declared.Entries
                    .Where(entry => entry.IsRequired && !TryGet(entry.Name, out _))
                    .Select(entry => entry.Name),
            ];
    }

    private string? Read(string name)
    {
        string? value = configuration?[name];
        value = string.IsNullOrWhiteSpace(value) ? ReadEnvironment(name) : value;
        value = string.IsNullOrWhiteSpace(value) ? ReadFile(name) : value;
        return string.IsNullOrWhiteSpace(value) ? null : value.Trim();
    }

    // The one place that reads the environment directly: a host without configuration still finds its secrets.
#pragma warning disable RS0030
    private static string? ReadEnvironment(string name) => Environment.GetEnvironmentVariable(name);
#pragma warning restore RS0030

    private string? ReadFile(string name)
    {
        if (name.AsSpan().ContainsAny('/', '\\', '\0') || name is "." or "..")
        {
            return null;
        }

        try
        {
            var file = new FileInfo(Path.Combine(directory, name));
            return file.Exists && file.Length <= MaxFileBytes ? File.ReadAllText(file.FullName) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
