namespace CoExpr.Gpu;

/// <summary>What an argument of a kernel is.</summary>
enum KernelArgumentKind
{
    /// <summary>Memory of the device.</summary>
    Buffer,

    /// <summary>A whole number of 32 bits.</summary>
    Number,

    /// <summary>So many bytes that each work group shares.</summary>
    Local,
}

/// <summary>An argument of a kernel.</summary>
readonly record struct KernelArgument(KernelArgumentKind Kind, nint Buffer, int Number)
{
    /// <summary>So many bytes that each work group shares.</summary>
    internal static KernelArgument Local(int bytes) => new(KernelArgumentKind.Local, 0, bytes);

    /// <summary>A number.</summary>
    public static implicit operator KernelArgument(int number) => new(KernelArgumentKind.Number, 0, number);

    /// <summary>Memory of the device.</summary>
    public static implicit operator KernelArgument(DeviceBuffer buffer) =>
        new(KernelArgumentKind.Buffer, buffer.Handle, 0);
}
