// SPDX-License-Identifier: Apache-2.0
// The parts of Apache ECharts that the report uses; scripts/vendor_echarts.sh bundles them.
export { init } from 'echarts/core';
import { use } from 'echarts/core';
import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { LabelLayout } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';
use([BarChart, LineChart, ScatterChart, GridComponent, TooltipComponent, LabelLayout, SVGRenderer]);
