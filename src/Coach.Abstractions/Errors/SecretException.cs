namespace Coach.Abstractions;

/// <summary>Secrets a run needs are missing, or mock mode was asked for one. Code <c>ERR_MISSING_SECRET</c>.</summary>
public sealed class SecretException : CoachException
{
    private SecretException(IReadOnlyList<string> names, string message)
        : base(ErrorCodes.MissingSecret, message) => Names = names;

    /// <summary>The names of the secrets concerned; never values.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc />
    public override bool IsTransient => false;

    internal static SecretException Missing(IReadOnlyList<string> names) => new(names,
        $"{ErrorCodes.MissingSecret}: no value for {string.Join(", ", names)}. Set the environment variable of that name, the "
        + "configuration key of that name, or mount the file /run/secrets/NAME.");

    internal static SecretException RefusedInMock(string name) => new([name],
        $"{ErrorCodes.MissingSecret}: mock mode reads no secrets, so '{name}' was refused. Run in real mode to use it.");
}
