namespace Coach.Testing.Stores;

/// <summary>Named checks of a seam, each run against a store of the caller's.</summary>
internal sealed class ContractSuite<TStore>(
    Dictionary<string, Func<TStore, Func<TimeSpan, Task>, CancellationToken, Task>> checks)
    where TStore : class
{
    public IReadOnlyList<string> Names { get; } = [.. checks.Keys];

    public Task RunAsync(string name, TStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(advance);
        return checks.TryGetValue(name, out Func<TStore, Func<TimeSpan, Task>, CancellationToken, Task>? check)
            ? check(store, advance, cancellationToken)
            : throw new ArgumentException($"There is no check '{name}'.", nameof(name));
    }
}

/// <summary>What a check says when it fails.</summary>
internal static class Contract
{
    public static void Holds(bool holds, string rule)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Contract broken: {rule}.");
        }
    }

    public static string Tag() => Guid.NewGuid().ToString("N");
}
