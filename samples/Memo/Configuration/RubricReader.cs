using System.Globalization;
using System.Text;

namespace Memo.Configuration;

/// <summary>A rubric file to a rubric.</summary>
internal static class RubricReader
{
    private const int MaxCriteria = 30;

    public static Rubric Read(ConfigReader file)
    {
        var criteria = new List<Criterion>();
        for (int i = 0; file.Entries.Any(entry => entry.Key.StartsWith($"rubric:criteria:{i}:", StringComparison.Ordinal)); i++)
        {
            Criterion criterion = ReadCriterion(file, $"rubric:criteria:{i}");
            if (criteria.Any(each => each.Id == criterion.Id))
            {
                throw file.Fail($"rubric:criteria:{i}", $"two criteria are called '{criterion.Id}'. Rename one, or give it an id.");
            }

            criteria.Add(criterion);
        }

        if (criteria.Count is 0 or > MaxCriteria)
        {
            throw file.Fail("rubric:criteria", $"rubric:criteria must be a list of 1 to {MaxCriteria} criteria.");
        }

        decimal total = file.Number("rubric:total_weight", 100, 1, 1_000);
        decimal sum = criteria.Sum(criterion => criterion.Weight);
        if (sum != total)
        {
            throw file.Fail("rubric:criteria", string.Create(
                CultureInfo.InvariantCulture, $"the weights add up to {sum}; they must add up to {total}."));
        }

        if (file.Text("rubric:scoring_scale", "1-5") != "1-5")
        {
            throw file.Fail("rubric:scoring_scale", "rubric:scoring_scale must be 1-5.");
        }

        return new Rubric(
            file.Text("rubric:name", 200), file.Text("rubric:description", ""), criteria, Frameworks(file));
    }

    private static List<KeyValuePair<string, string>> Frameworks(ConfigReader file) =>
    [
        .. file.Entries
            .Where(entry => entry.Key.StartsWith("frameworks:", StringComparison.OrdinalIgnoreCase))
            .Select(entry => KeyValuePair.Create(entry.Key["frameworks:".Length..], file.Text(entry.Key, ""))),
    ];

    private static Criterion ReadCriterion(ConfigReader file, string key)
    {
        string name = file.Text(key + ":name", 200);
        string id = file.Text(key + ":id", Slug(name), 64);
        if (id.Length == 0 || id != Slug(id))
        {
            throw file.Fail(key, $"{key} needs an id of lower-case letters, digits and hyphens.");
        }

        string[] levels = [.. Enumerable.Range(1, 5).Select(
            level => file.Text(string.Create(CultureInfo.InvariantCulture, $"{key}:scoring_guidance:{level}"), 1_000))];
        return new Criterion(
            id, name, file.Text(key + ":description", ""), file.Number(key + ":weight", 0, .01m, 1_000), levels);
    }

    private static string Slug(string name)
    {
        var slug = new StringBuilder();
        foreach (char letter in name.ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(letter))
            {
                slug.Append(letter);
            }
            else if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }
        }

        string text = slug.ToString().Trim('-');
        return text.Length > 64 ? text[..64].Trim('-') : text;
    }
}
