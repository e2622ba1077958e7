using Coach.Configuration.Yaml;

namespace Microsoft.Extensions.Configuration;

/// <summary>Adds YAML files to a configuration.</summary>
public static class CoachYamlConfigurationExtensions
{
    /// <summary>Adds a YAML file. Its keys win over those of sources that were added before.</summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="path">The file; a relative path counts from the process's folder.</param>
    /// <param name="optional">Whether a missing file is as good as an empty one.</param>
    /// <param name="reloadOnChange">Whether it is read again when its content changes; the last good values stay when
    /// an edit cannot be used.</param>
    /// <param name="configure">Section, limits, variables.</param>
    /// <returns>The same configuration.</returns>
    /// <exception cref="ArgumentException">The path is empty, or an option out of its range.</exception>
    /// <exception cref="YamlConfigurationException">The file cannot be used; thrown when the configuration is
    /// built.</exception>
    public static IConfigurationBuilder AddCoachYaml(
        this IConfigurationBuilder builder, string path, bool optional = false, bool reloadOnChange = false,
        Action<CoachYamlOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new CoachYamlOptions { Optional = optional, ReloadOnChange = reloadOnChange };
        configure?.Invoke(options);
        return builder.Add(new CoachYamlConfigurationSource(path, options));
    }
}
