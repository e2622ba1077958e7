namespace Coach.Abstractions;

/// <summary>
/// The base of every exception with which a Coach package reports that something outside the caller went wrong.
/// </summary>
/// <remarks>Messages hold no secret, prompt, document text or card data, and say what to do next.</remarks>
public abstract class CoachException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">What happened and what to do; free of secrets and user text.</param>
    /// <param name="innerException">The cause, if it carries nothing secret.</param>
    protected CoachException(string code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        Code = code;
    }

    /// <summary>The error code: one of <see cref="ErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>Whether the same call may succeed later without any change.</summary>
    public abstract bool IsTransient { get; }

    /// <summary>How long to wait before the next try, when that is known.</summary>
    /// <value>Null when nothing is known or waiting does not help.</value>
    public virtual TimeSpan? RetryAfter => null;
}
