using System.Globalization;

namespace CoExpr.Gpu;

/// <summary>The statuses that OpenCL functions answer with, by their names in the Khronos headers.</summary>
static class OpenClStatus
{
    internal const int DeviceNotAvailable = -2;
    internal const int AllocationFailure = -4;
    internal const int OutOfResources = -5;
    internal const int OutOfHostMemory = -6;
    internal const int BuildProgramFailure = -11;
    internal const int InvalidOperation = -59;
    internal const int InvalidBufferSize = -61;

    /// <summary>Whether less work at once may help. Drivers also answer so where the device is lost.</summary>
    internal static bool IsShortage(int status) =>
        status is AllocationFailure or OutOfResources or OutOfHostMemory or InvalidBufferSize;

    /// <summary>The name of a status, or its number where it is not one of OpenCL 1.2.</summary>
    internal static string Name(int status) =>
        status switch
        {
            0 => "CL_SUCCESS",
            -1 => "CL_DEVICE_NOT_FOUND",
            DeviceNotAvailable => "CL_DEVICE_NOT_AVAILABLE",
            -3 => "CL_COMPILER_NOT_AVAILABLE",
            AllocationFailure => "CL_MEM_OBJECT_ALLOCATION_FAILURE",
            OutOfResources => "CL_OUT_OF_RESOURCES",
            OutOfHostMemory => "CL_OUT_OF_HOST_MEMORY",
            BuildProgramFailure => "CL_BUILD_PROGRAM_FAILURE",
            -12 => "CL_MAP_FAILURE",
            -14 => "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
            -30 => "CL_INVALID_VALUE",
            -31 => "CL_INVALID_DEVICE_TYPE",
            -32 => "CL_INVALID_PLATFORM",
            -33 => "CL_INVALID_DEVICE",
            -34 => "CL_INVALID_CONTEXT",
            -36 => "CL_INVALID_COMMAND_QUEUE",
            -38 => "CL_INVALID_MEM_OBJECT",
            -43 => "CL_INVALID_BUILD_OPTIONS",
            -44 => "CL_INVALID_PROGRAM",
            -45 => "CL_INVALID_PROGRAM_EXECUTABLE",
            -46 => "CL_INVALID_KERNEL_NAME",
            -48 => "CL_INVALID_KERNEL",
            -49 => "CL_INVALID_ARG_INDEX",
            -50 => "CL_INVALID_ARG_VALUE",
            -51 => "CL_INVALID_ARG_SIZE",
            -52 => "CL_INVALID_KERNEL_ARGS",
            -53 => "CL_INVALID_WORK_DIMENSION",
            -54 => "CL_INVALID_WORK_GROUP_SIZE",
            -55 => "CL_INVALID_WORK_ITEM_SIZE",
            InvalidOperation => "CL_INVALID_OPERATION",
            InvalidBufferSize => "CL_INVALID_BUFFER_SIZE",
            -63 => "CL_INVALID_GLOBAL_WORK_SIZE",
            -1001 => "CL_PLATFORM_NOT_FOUND_KHR",
            _ => "error " + status.ToString(CultureInfo.InvariantCulture),
        };
}
