using Microsoft.Extensions.Configuration;

namespace Coach.Configuration.Yaml;

/// <summary>A YAML file as a source of configuration.</summary>
/// <param name="path">The file; a relative path counts from the process's folder.</param>
/// <param name="options">How it is read.</param>
public sealed class CoachYamlConfigurationSource(string path, CoachYamlOptions options) : IConfigurationSource
{
    /// <summary>The file as it was named.</summary>
    public string Path { get; } = string.IsNullOrEmpty(path)
        ? throw new ArgumentException("The path of the file is missing.", nameof(path))
        : path;

    /// <summary>How it is read.</summary>
    public CoachYamlOptions Options { get; } = options ?? throw new ArgumentNullException(nameof(options));

    /// <inheritdoc />
    public IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        Options.Check();
        return new CoachYamlConfigurationProvider(Path, Options);
    }
}
