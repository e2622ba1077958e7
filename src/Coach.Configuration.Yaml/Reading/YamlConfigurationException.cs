using Coach.Abstractions;

namespace Coach.Configuration.Yaml;

/// <summary>A YAML file cannot be used. Code <c>ERR_REQUEST_INVALID</c>.</summary>
/// <remarks>The message names the file, the line and what to change, and repeats no value.</remarks>
public sealed class YamlConfigurationException : CoachException
{
    /// <summary>Says what is wrong and where.</summary>
    /// <param name="file">The file as it was named.</param>
    /// <param name="line">The line, from 1; 0 where the file as a whole is meant.</param>
    /// <param name="reason">A sentence that says what to change; it repeats no value.</param>
    /// <param name="innerException">The cause, if it carries nothing secret.</param>
    public YamlConfigurationException(string file, int line, string reason, Exception? innerException = null)
        : base(ErrorCodes.RequestInvalid, line > 0 ? $"{file}:{line}: {reason}" : $"{file}: {reason}", innerException)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentException.ThrowIfNullOrEmpty(reason);
        File = file;
        Line = line;
        Reason = reason;
    }

    /// <summary>The file as it was named.</summary>
    public string File { get; }

    /// <summary>The line, from 1; 0 where the file as a whole is meant.</summary>
    public int Line { get; }

    /// <summary>What is wrong, without the place.</summary>
    public string Reason { get; }

    /// <inheritdoc />
    public override bool IsTransient => false;
}
