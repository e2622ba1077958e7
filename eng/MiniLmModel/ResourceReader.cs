using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Coach.MiniLmModel;

/// <summary>Reads a managed resource of an assembly without loading the assembly.</summary>
internal sealed class ResourceReader(byte[] assembly)
{
    /// <summary>The one resource whose name ends so.</summary>
    public ReadOnlyMemory<byte> Find(string ending)
    {
        using var file = new PEReader(new MemoryStream(assembly, writable: false));
        MetadataReader metadata = file.GetMetadataReader();
        foreach (ManifestResourceHandle handle in metadata.ManifestResources)
        {
            ManifestResource resource = metadata.GetManifestResource(handle);
            if (resource.Implementation.IsNil
                && metadata.GetString(resource.Name).EndsWith(ending, StringComparison.Ordinal))
            {
                PEHeaders headers = file.PEHeaders;
                if (!headers.TryGetDirectoryOffset(headers.CorHeader!.ResourcesDirectory, out int start))
                {
                    break;
                }

                int at = start + checked((int)resource.Offset);
                int length = BitConverter.ToInt32(assembly, at);
                return assembly.AsMemory(at + sizeof(int), length);
            }
        }

        throw new InvalidDataException($"The assembly has no resource '…{ending}'.");
    }
}
