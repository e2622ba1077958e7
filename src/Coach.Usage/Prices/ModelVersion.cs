namespace Coach.Usage.Prices;

/// <summary>Takes what names a model's release off its name.</summary>
internal static class ModelVersion
{
    /// <summary>
    /// Without <c>-2024-08-06</c>, <c>-20240806</c>, <c>@20240806</c>, <c>-001</c> or <c>-latest</c> at the end.
    /// </summary>
    public static string Strip(string model)
    {
        int end = model.LastIndexOfAny(['-', '@']);
        if (end <= 0)
        {
            return model;
        }

        ReadOnlySpan<char> tail = model.AsSpan(end + 1);
        if (tail is "latest" || (tail.Length is 3 or 8 && IsNumber(tail)))
        {
            return model[..end];
        }

        // -YYYY-MM-DD
        ReadOnlySpan<char> date = model.Length > 11 ? model.AsSpan(model.Length - 11) : [];
        bool isDate = date.Length == 11 && date[0] == '-' && date[5] == '-' && date[8] == '-'
            && IsNumber(date[1..5]) && IsNumber(date[6..8]) && IsNumber(date[9..]);
        return isDate ? model[..^11] : model;
    }

    private static bool IsNumber(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9');
}
