using Processor.Registry;

namespace Processor.Verbs;

/// <summary><c>pin</c> and <c>verify-digest</c>: which image a processor runs, by digest.</summary>
internal static class PinVerb
{
    private static readonly string[] Platforms = ["amd64", "arm64"];

    /// <summary>Writes an image to the registry file; without one, shows what is pinned.</summary>
    public static int Pin(string[] args, TextWriter output)
    {
        var arguments = new Arguments(args, Verb.Names("ref", "platform", "oci", "registry"), Verb.Names("json"));
        RegistryFile registry = RegistryFile.Load(Verb.RegistryFolder(arguments), arguments.Need("ref"));
        if (arguments.Get("oci") is { } oci)
        {
            string platform = arguments.Get("platform") ?? "amd64";
            if (!Platforms.Contains(platform, StringComparer.Ordinal))
            {
                throw new ProcessorException(RunErrors.Inputs, "--platform is amd64 or arm64.");
            }

            ImageRef image = NeedPinned(oci);
            var images = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach ((string key, string value) in registry.Images.Where(pair => pair.Key != "oci"))
            {
                images[key] = value;
            }

            images[platform] = image.ToString();
            Write(registry.Path, images);
            registry = RegistryFile.Load(Verb.RegistryFolder(arguments), arguments.Need("ref"));
        }

        bool isPinned = registry.IsPinned;
        Verb.Write(output, json =>
        {
            json.WriteString("status", isPinned ? "success" : "error");
            json.WriteString("code", isPinned ? "OK" : RunErrors.ImageUnpinned);
            json.WriteString("ref", registry.Ref.ToString());
            json.WriteStartObject("images");
            foreach ((string platform, string image) in registry.Images)
            {
                json.WriteString(platform, image);
            }

            json.WriteEndObject();
        });
        return isPinned ? 0 : 1;
    }

    /// <summary>Whether an image is one of those that are pinned.</summary>
    public static int Verify(string[] args, TextWriter output)
    {
        var arguments = new Arguments(args, Verb.Names("ref", "oci", "platform", "registry"), Verb.Names("json"));
        RegistryFile registry = RegistryFile.Load(Verb.RegistryFolder(arguments), arguments.Need("ref"));
        ImageRef image = NeedPinned(arguments.Need("oci"));
        Dictionary<string, ImageRef?> pinned = registry.Images
            .Where(pair => arguments.Get("platform") is not { } platform || pair.Key == platform || pair.Key == "oci")
            .ToDictionary(pair => pair.Key, pair => ImageRef.TryParse(pair.Value, out ImageRef? parsed) ? parsed : null);
        string? found = pinned.FirstOrDefault(pair => pair.Value?.Digest == image.Digest).Key;
        string code = found is not null
            ? "OK"
            : pinned.Count == 0 || pinned.ContainsValue(null) ? RunErrors.ImageUnpinned : RunErrors.RegistryMismatch;
        Verb.Write(output, json =>
        {
            json.WriteString("status", found is not null ? "success" : "error");
            json.WriteString("code", code);
            json.WriteString("ref", registry.Ref.ToString());
            json.WriteBoolean("match", found is not null);
            if (found is not null)
            {
                json.WriteString("platform", found);
            }

            json.WriteString("digest", image.Digest);
            json.WriteStartObject("pinned");
            foreach ((string platform, ImageRef? pin) in pinned)
            {
                json.WriteString(platform, pin?.Digest ?? "unpinned");
            }

            json.WriteEndObject();
        });
        return found is not null ? 0 : 1;
    }

    private static ImageRef NeedPinned(string oci) => ImageRef.TryParse(oci, out ImageRef? image)
        ? image
        : throw new ProcessorException(
            RunErrors.ImageUnpinned, "An image is given by its digest: host/path@sha256:… with 64 hexadecimal digits, no tag.");

    // Only the section 'image' is written anew; comments and the rest of the file stay as they are.
    private static void Write(string path, IReadOnlyDictionary<string, string> images)
    {
        List<string> lines = [.. File.ReadAllLines(path)];
        int start = lines.FindIndex(line => line.StartsWith("image:", StringComparison.Ordinal));
        if (start >= 0)
        {
            int end = start + 1;
            while (end < lines.Count && (lines[end].Length == 0 || char.IsWhiteSpace(lines[end][0])))
            {
                end++;
            }

            lines.RemoveRange(start, end - start);
        }
        else
        {
            start = lines.FindIndex(line => line.StartsWith("ref:", StringComparison.Ordinal)) + 1;
            lines.Insert(start++, "");
        }

        lines.InsertRange(
            start, ["image:", "  platforms:", .. images.Select(image => $"    {image.Key}: {image.Value}"), ""]);
        string text = string.Join('\n', lines).TrimEnd('\n') + "\n";
        string partial = path + ".part";
        try
        {
            File.WriteAllText(partial, text);
            File.Move(partial, path, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ProcessorException(RunErrors.Runtime, $"{path} cannot be written.");
        }
    }
}
