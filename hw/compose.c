#include "hw/ops.h"
#include "hw/soft/soft.h"

int hw_composer_new(HwDevice *device, int width, int height, HwComposer **ret, McuDiag *reterr)
{
	HwComposer *comp = NULL;
	int r;

	if (width < 2 || height < 2 || width > HW_MAX_SIZE || height > HW_MAX_SIZE ||
	    (width | height) & 1)
		return mcu_diag(reterr, -EINVAL,
				"canvas of %dx%d: expected even sides from 2 to %d", width, height,
				HW_MAX_SIZE);
	if (device->ops->composer_new)
		r = device->ops->composer_new(device, width, height, &comp, reterr);
	else
		r = hw_soft_composer_new(device, width, height, &comp, reterr);
	if (r < 0)
		return r;
	comp->width = width;
	comp->height = height;
	comp->device = hw_device_ref(device);
	*ret = comp;
	return 0;
}

void hw_composer_free(HwComposer *comp)
{
	HwDevice *device;

	if (!comp)
		return;
	device = comp->device;
	comp->ops->destroy(comp);
	hw_device_unref(device);
}

int hw_composer_compose(HwComposer *comp, const HwDrawList *list, HwFrame **ret)
{
	if (list->n > HW_MAX_ITEMS || (list->n && !list->items))
		return -EINVAL;
	return comp->ops->compose(comp, list, ret);
}

void hw_composer_stats(const HwComposer *comp, HwComposerStats *ret)
{
	*ret = (HwComposerStats){ 0 };
	if (comp->ops->stats)
		comp->ops->stats(comp, ret);
}
