namespace Processor.Verbs;

/// <summary>The arguments of a verb: names with values, flags, and what stands alone.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);
    private readonly List<string> _alone = [];

    /// <summary>Reads <c>--name value</c>, <c>--name=value</c> and <c>--flag</c>.</summary>
    /// <exception cref="ProcessorException">A name is not known, or its value is missing.</exception>
    public Arguments(IEnumerable<string> args, IReadOnlySet<string> names, IReadOnlySet<string> flags)
    {
        using IEnumerator<string> next = args.GetEnumerator();
        while (next.MoveNext())
        {
            string arg = next.Current;
            if (!arg.StartsWith("--", StringComparison.Ordinal))
            {
                _alone.Add(arg);
                continue;
            }

            int equals = arg.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? arg[2..] : arg[2..equals];
            if (flags.Contains(name) && equals < 0)
            {
                Add(name, "true");
            }
            else if (!names.Contains(name))
            {
                throw new ProcessorException(RunErrors.Inputs, $"There is no --{Shown(name)} here.");
            }
            else if (equals >= 0)
            {
                Add(name, arg[(equals + 1)..]);
            }
            else
            {
                Add(name, next.MoveNext()
                    ? next.Current
                    : throw new ProcessorException(RunErrors.Inputs, $"--{name} needs a value."));
            }
        }
    }

    public IReadOnlyList<string> Alone => _alone;

    public bool Has(string name) => _values.ContainsKey(name);

    public string? Get(string name) => _values.TryGetValue(name, out List<string>? all) ? all[^1] : null;

    /// <exception cref="ProcessorException">It was not given.</exception>
    public string Need(string name) =>
        Get(name) is { Length: > 0 } value ? value : throw new ProcessorException(RunErrors.Inputs, $"--{name} is missing.");

    private static string Shown(string name) => name.Length <= 40 ? name : name[..40] + "…";

    private void Add(string name, string value)
    {
        if (!_values.TryGetValue(name, out List<string>? all))
        {
            _values[name] = all = [];
        }

        all.Add(value);
    }
}
